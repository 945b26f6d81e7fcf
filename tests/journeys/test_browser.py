"""The pages in a real browser, opened from disk."""

import json
import shutil

import numpy as np
import pytest
from tiny_cache import write_tiny_cache

from mer_di.cache import open_cache
from mer_di.evaluation.evaluate import evaluate
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.train_config import TrainConfig
from mer_di.report import write_cache_report, write_comparison_report, write_run_report

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
PROGRAMS = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
HOSTILE = "</script><script>document.title = 'broken'</script>&\"<b>"
pytestmark = pytest.mark.skipif(
    not all(PROGRAMS.values()), reason=f"not installed: {', '.join(n for n, path in PROGRAMS.items() if not path)}"
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    cache = write_tiny_cache(folder / "tiny.h5", subjects=["s2", "s10", HOSTILE], clips=4, size=32)
    write_cache_report(cache, folder / "cache.html")
    model = ModelConfig(backbone="test_resnet", weights="random", fusion="concat", size=16)
    for name, rate in (("a", 1e-4), ("b", 1e-2)):
        config = TrainConfig(model=model, epochs=1, batch_size=8, learning_rate=rate)
        evaluate([cache], folder / name, config, validation="none", device="cpu", save_networks=True)
    write_run_report(folder / "a", folder / "run.html")
    write_comparison_report(folder / "a", folder / "b", folder / "comparison.html")
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = PROGRAMS["chromium"]
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(PROGRAMS["chromedriver"]))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, pages):
    """Return a function that opens a page; afterwards nothing may have been complained about or asked for."""
    browser.get_log("browser")
    browser.get_log("performance")

    def open_page(name, *, width=1400, scheme="light", motion="reduce"):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        media = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        features = [{"name": key, "value": value} for key, value in media.items()]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get((pages / f"{name}.html").as_uri())
        return browser

    yield open_page
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    addresses = {event["params"]["request"]["url"] for event in asked if event["method"] == "Network.requestWillBeSent"}
    own = {page.as_uri() for page in pages.glob("*.html")}
    assert {address for address in addresses - own if not address.startswith("data:")} == set()
    assert addresses & own


def find(browser, selector):
    return browser.find_element("css selector", selector)


def every(browser, selector):
    return browser.find_elements("css selector", selector)


def shown(browser, selector):
    return [element for element in every(browser, selector) if element.is_displayed()]


def choose(browser, selector, value):
    options = {option.get_property("value"): option for option in every(browser, f"{selector} option")}
    options[value].click()


def wait(browser, condition):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 20).until(lambda _: condition())


def press(browser, *keys):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def drawn(browser, mode):
    """Wait until the three canvases show a mode."""
    canvases = every(browser, "dialog canvas")
    wait(browser, lambda: all((c.get_attribute("data-drawn") or "").endswith(f" {mode}") for c in canvases))


def pixels(browser, stream):
    script = (
        "const c = document.querySelector(`canvas[data-stream=${arguments[0]}]`);"
        "return Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
    )
    return np.array(browser.execute_script(script, stream)).reshape(32, 32, 4)[..., :3].astype(int)


def test_names_are_text(opened):
    browser = opened("cache")
    assert browser.title == "tiny.h5 – mer_di"
    assert HOSTILE in {card.get_attribute("data-subject") for card in every(browser, ".card")}


def test_the_gallery_filters_and_sorts(opened):
    browser = opened("cache")
    assert len(shown(browser, ".card")) == 12
    choose(browser, "[data-filter=class]", "happiness")
    assert {card.get_attribute("data-class") for card in shown(browser, ".card")} == {"happiness"}
    assert find(browser, "[data-gallery] output").text == "3 of 12 samples"
    choose(browser, "[data-filter=subject]", HOSTILE)
    assert len(shown(browser, ".card")) == 1
    choose(browser, "[data-filter=class]", "")
    choose(browser, "[data-filter=subject]", "")
    for order, sign in (("energy", -1), ("-energy", 1)):
        choose(browser, "[data-sort]", order)
        energies = [sign * float(card.get_attribute("data-energy")) for card in every(browser, ".card")]
        assert energies == sorted(energies)
    choose(browser, "[data-sort]", "id")
    subjects = [card.get_attribute("data-subject") for card in every(browser, ".card")][::4]
    assert subjects.index("s2") < subjects.index("s10")


def test_tables_filter_and_sort(opened):
    browser = opened("cache")
    field, rows = find(browser, "#table input"), "#samples tbody tr"
    field.send_keys("surprise S10")
    assert len(shown(browser, rows)) == 1
    assert find(browser, "#table output").text == "1 of 12 rows"
    field.clear()
    field.send_keys(" ")
    header = every(browser, "#samples th[aria-sort]")[-1]
    for state, sign in (("ascending", 1), ("descending", -1)):
        header.find_element("tag name", "button").click()
        assert header.get_attribute("aria-sort") == state
        values = [sign * float(row.find_elements("tag name", "td")[-1].text) for row in every(browser, rows)]
        assert values == sorted(values)
    assert len(every(browser, "#samples th[aria-sort=none]")) == 9


def test_a_sample_is_enlarged_stepped_through_and_closed_by_keyboard(opened):
    from selenium.webdriver.common.keys import Keys

    browser = opened("cache")
    opener = find(browser, ".enlarge")
    browser.execute_script("arguments[0].focus()", opener)
    press(browser, Keys.ENTER)
    drawn(browser, "diverging")
    titles = [find(browser, "dialog h2").text]
    find(browser, "[data-close]").send_keys(Keys.ARROW_RIGHT)
    wait(browser, lambda: find(browser, "dialog h2").text != titles[0])
    drawn(browser, "diverging")
    titles.append(find(browser, "dialog h2").text)
    assert titles == [card.get_attribute("data-id") for card in every(browser, ".card")][:2]
    assert all(frame.get_property("naturalWidth") == 32 for frame in every(browser, "dialog img"))
    press(browser, Keys.ESCAPE)
    wait(browser, lambda: not find(browser, "dialog").is_displayed())
    focused = browser.switch_to.active_element
    assert focused.get_attribute("class") == "enlarge"
    assert titles[1] in focused.get_attribute("aria-label")


def test_hasty_steps_end_at_the_sample_that_was_asked_for_last(opened, pages):
    browser = opened("cache")
    find(browser, ".enlarge").click()
    browser.execute_script("for (let i = 0; i < 7; i++) document.querySelector('[data-step=\"1\"]').click()")
    browser.execute_script("document.querySelector('[value=symmetric]').click()")
    drawn(browser, "symmetric")
    last = find(browser, "dialog h2").text
    assert last == every(browser, ".card")[7].get_attribute("data-id")
    with open_cache(pages / "tiny.h5") as cache:
        raw = cache.images("offset")[cache.column("sample_id").tolist().index(last)]
    assert np.abs(pixels(browser, "offset") - (128 + np.rint(127 * raw / np.abs(raw).max()))).max() <= 1


def test_focus_is_seen(opened):
    from selenium.webdriver.common.keys import Keys

    browser = opened("cache")
    press(browser, Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    for _ in range(6):
        press(browser, Keys.TAB)
        style = "return getComputedStyle(document.activeElement).outlineStyle"
        assert browser.execute_script(style) == "solid"


def test_normalizations_are_those_of_the_library(opened, pages):
    from mer_di import normalize

    browser = opened("cache")
    find(browser, ".enlarge").click()
    drawn(browser, "diverging")
    first = find(browser, "dialog h2").text
    with open_cache(pages / "tiny.h5") as cache:
        raw = cache.images("onset")[cache.column("sample_id").tolist().index(first)]
    words = set()
    for mode in ("symmetric", "minmax", "minmax-channel"):
        find(browser, f"[name=mode][value={mode}]").click()
        drawn(browser, mode)
        assert np.abs(pixels(browser, "onset") - normalize(raw, mode)).max() <= 2  # from 8 bits
        words.add(find(browser, "dialog .mode").text)
    find(browser, "[name=mode][value=unit-weight]").click()
    drawn(browser, "unit-weight")
    unit = normalize(raw, "unit-weight", weights=np.array([-4, -2, 0, 2, 4]))
    greys = float(find(browser, "[data-viewer]").get_property("textContent").split('"greys": ')[1].split(",")[0])
    assert np.abs(pixels(browser, "onset") - (128 + np.clip(127 * unit / greys, -127, 127))).max() <= 3
    assert f"±{greys:g} grey levels" in find(browser, "canvas + figcaption").text
    assert len(words) == 3


def test_diverging_colours_have_the_sign_of_the_motion(opened, pages):
    browser = opened("cache")
    find(browser, ".enlarge").click()
    drawn(browser, "diverging")
    first = find(browser, "dialog h2").text
    with open_cache(pages / "tiny.h5") as cache:
        mean = cache.images("onset")[cache.column("sample_id").tolist().index(first)].mean(axis=2)
    found = pixels(browser, "onset")
    strong = np.abs(mean) > 0.3 * np.abs(mean).max()
    assert strong.any()
    assert (np.sign(found[..., 0] - found[..., 2])[strong] == np.sign(mean)[strong]).all()
    assert "stored without loss" in find(browser, "canvas + figcaption").text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["cache", "run", "comparison"])
def test_a_phone_needs_no_sideways_scrolling(opened, name, scheme):
    browser = opened(name, width=380, scheme=scheme)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 380
    for opener in every(browser, ".enlarge")[:1]:
        browser.execute_script("arguments[0].click()", opener)
        drawn(browser, "diverging")
        inside = "const d = document.querySelector('dialog'); return d.scrollWidth - d.clientWidth"
        assert browser.execute_script(inside) <= 0


@pytest.mark.parametrize("width", [660, 1000, 1200, 1280, 1400])
def test_the_confusion_of_seven_classes_is_seen_whole(opened, width):
    browser = opened("run", width=width)
    overflow = """
        const table = document.querySelector(".confusion");
        for (const row of table.rows)
          while (row.cells.length < 8) row.append(row.lastElementChild.cloneNode(true));
        const names = ["anger", "disgust", "fear", "happiness", "others", "sadness", "surprise"];
        names.forEach((name, i) => { table.rows[0].cells[i + 1].textContent = name; });
        const box = table.parentElement;
        return box.scrollWidth - box.clientWidth;
    """
    assert browser.execute_script(overflow) == 0


@pytest.mark.parametrize("name", ["cache", "run", "comparison"])
def test_words_stand_out_from_their_ground_by_day_and_night(opened, name):
    script = """
        const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        const rgb = (colour) => {
          probe.clearRect(0, 0, 1, 1);
          probe.fillStyle = colour;
          probe.fillRect(0, 0, 1, 1);
          return [...probe.getImageData(0, 0, 1, 1).data];
        };
        const words = [...document.querySelectorAll("p, dd, dt, th, td, figcaption, svg.figure text")];
        return [getComputedStyle(document.body).backgroundColor].map(rgb).concat(
          words.map((word) => rgb(getComputedStyle(word)[word.tagName === "text" ? "fill" : "color"])));
    """

    def luminance(rgb):
        values = np.array(rgb[:3]) / 255
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    grounds = []
    for scheme in ("light", "dark"):
        ground, *words = map(luminance, opened(name, scheme=scheme).execute_script(script))
        grounds.append(ground)
        contrast = [(max(ground, word) + 0.05) / (min(ground, word) + 0.05) for word in words]
        assert min(contrast) >= 4.5
    assert grounds[0] > 0.8
    assert grounds[1] < 0.05


def test_motion_is_reduced_where_it_is_asked_for(opened):
    behaviour = "return getComputedStyle(document.documentElement).scrollBehavior"
    assert opened("cache", motion="no-preference").execute_script(behaviour) == "smooth"
    assert opened("cache", motion="reduce").execute_script(behaviour) == "auto"


def test_the_run_page_works_as_the_cache_page_does(opened):
    browser = opened("run")
    cards = every(browser, "[data-gallery] .card")
    assert cards
    certainties = [float(card.get_attribute("data-certainty")) for card in cards]
    assert certainties == sorted(certainties, reverse=True)
    choose(browser, "[data-filter=predicted]", cards[0].get_attribute("data-predicted"))
    remaining = shown(browser, "[data-gallery] .card")
    assert {card.get_attribute("data-predicted") for card in remaining} == {cards[0].get_attribute("data-predicted")}
    find(browser, "[data-gallery] .enlarge").click()
    drawn(browser, "diverging")
    assert "predicted" in find(browser, "dialog .about").text
    assert every(browser, ".attention img")
    browser.execute_script(
        "document.querySelector('dialog').close(); document.querySelector('#attention').scrollIntoView()"
    )
    first = find(browser, ".attention img")
    wait(browser, lambda: first.get_property("naturalWidth") > 0)


def test_every_picture_has_words(opened):
    for name in ("cache", "run", "comparison"):
        browser = opened(name)
        missing = (
            "return [...document.querySelectorAll('main img')].filter((i) => !i.alt && !i.closest('dialog')).length"
        )
        assert browser.execute_script(missing) == 0
        unnamed = "return [...document.querySelectorAll('svg')].filter((s) => !s.getAttribute('aria-label')).length"
        assert browser.execute_script(unnamed) == 0
