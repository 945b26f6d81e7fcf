// Galleries: filter and sort the cards; enlarge one, and there normalize its dynamic images again.
for (const gallery of document.querySelectorAll("[data-gallery]")) {
  const cards = [...gallery.querySelectorAll(".card")];
  const holder = gallery.querySelector(".cards");
  const filters = [...gallery.querySelectorAll("[data-filter]")];
  const order = gallery.querySelector("[data-sort]");
  const count = gallery.querySelector("output");
  const dialog = gallery.querySelector("dialog");
  const settings = JSON.parse(gallery.querySelector("[data-viewer]").textContent);
  const { levels, colours } = settings;
  let visible = cards;
  let current = null;
  let images = null; // of the current card, once they are decoded

  const sorters = {
    id: (a, b) => a.dataset.id.localeCompare(b.dataset.id, "en", { numeric: true }),
    energy: (a, b) => b.dataset.energy - a.dataset.energy,
    "-energy": (a, b) => a.dataset.energy - b.dataset.energy,
    certainty: (a, b) => b.dataset.certainty - a.dataset.certainty,
  };

  const arrange = () => {
    for (const card of cards) {
      card.hidden = filters.some((field) => field.value && card.dataset[field.dataset.filter] !== field.value);
    }
    const sorted = [...cards].sort(sorters[order.value]);
    holder.append(...sorted);
    visible = sorted.filter((card) => !card.hidden);
    count.textContent = `${visible.length} of ${cards.length} samples`;
  };

  const short = (value) => Number(value.toPrecision(3)).toString().replace("-", "−");

  // Each mode takes the symmetric code of a pixel (r, g, b minus 128, within ±levels) to the colours on the screen.
  const modes = {
    diverging: {
      about: `Mean of the three channels. White is zero, no motion; the colours end at the value that ${settings.within} % of the pixels keep below.`,
      range: (image) => `±${short(image.limit)} raw, ±${short(image.limit / image.half_weights)} grey levels`,
      paint: (image) => {
        const scale = image.peak / image.limit / 3;
        return (r, g, b) => colours[levels + Math.max(-levels, Math.min(levels, Math.round((r + g + b) * scale)))];
      },
    },
    symmetric: {
      about: "128 + 127·x / max|x| over all channels. Middle grey is zero, no motion, in every image.",
      range: (image) => `±${short(image.peak)} raw, ±${short(image.peak / image.half_weights)} grey levels`,
      paint: () => (r, g, b) => [r + 128, g + 128, b + 128],
    },
    "unit-weight": {
      about: `Raw sums over Σ|α|/2: grey levels. Middle grey is zero. Every image of this page has the same range, ±${settings.greys} grey levels, so strengths compare; what lies beyond is clipped.`,
      range: () => `±${settings.greys} grey levels`,
      paint: (image) => {
        const scale = image.peak && image.peak / image.half_weights / settings.greys;
        const level = (x) => 128 + Math.max(-levels, Math.min(levels, Math.round(x * scale)));
        return (r, g, b) => [level(r), level(g), level(b)];
      },
    },
    minmax: {
      about: "Smallest value of all channels black, largest white. Zero, no motion, is a grey that differs from image to image.",
      range: (image, ends) => span(image, Math.min(...ends.low), Math.max(...ends.high)),
      paint: (image, ends) => stretch([0, 0, 0].fill(Math.min(...ends.low)), [0, 0, 0].fill(Math.max(...ends.high))),
    },
    "minmax-channel": {
      about: "The same in each channel for itself. Zero, no motion, is a tint that differs from image to image.",
      range: (image, ends) => ["R", "G", "B"].map((name, i) => `${name} ${span(image, ends.low[i], ends.high[i])}`).join(", "),
      paint: (image, ends) => stretch(ends.low, ends.high),
    },
  };

  const span = (image, low, high) => `${short((low * image.peak) / levels)} to ${short((high * image.peak) / levels)} raw`;

  const stretch = (low, high) => {
    const level = (x, i) => (high[i] > low[i] ? (255 * (x - low[i])) / (high[i] - low[i]) : 0);
    return (r, g, b) => [level(r, 0), level(g, 1), level(b, 2)];
  };

  const extremes = (codes) => {
    const low = [255, 255, 255];
    const high = [-255, -255, -255];
    for (let i = 0; i < codes.length; i += 4) {
      for (let c = 0; c < 3; c++) {
        low[c] = Math.min(low[c], codes[i + c] - 128);
        high[c] = Math.max(high[c], codes[i + c] - 128);
      }
    }
    return { low, high };
  };

  const accuracy = (image) =>
    image.worst
      ? `8-bit code stored as a JPEG: off by ${short(image.typical)} of ±${levels} steps r.m.s., ${short(image.worst)} at most`
      : `8-bit code (±${levels} steps) stored without loss`;

  const draw = (canvas, image) => {
    const mode = modes[dialog.querySelector("[name=mode]:checked").value];
    const context = canvas.getContext("2d");
    const picture = new ImageData(canvas.codes.width, canvas.codes.height);
    const [codes, pixels] = [canvas.codes.data, picture.data];
    const ends = extremes(codes);
    const colour = mode.paint(image, ends);
    for (let i = 0; i < codes.length; i += 4) {
      const [r, g, b] = colour(codes[i] - 128, codes[i + 1] - 128, codes[i + 2] - 128);
      pixels[i] = r;
      pixels[i + 1] = g;
      pixels[i + 2] = b;
      pixels[i + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
    const words = image.half_weights && image.peak ? mode.range(image, ends) : "zero everywhere";
    canvas.nextElementSibling.querySelector("span").textContent = `${words}; ${accuracy(image)}`;
    canvas.setAttribute("aria-label", `${canvas.nextElementSibling.querySelector("b").textContent}, ${words}`);
    dialog.querySelector(".mode").textContent = mode.about;
    canvas.dataset.drawn = `${current.dataset.index} ${dialog.querySelector("[name=mode]:checked").value}`;
  };

  const drawAll = () => {
    if (!images) return;
    for (const canvas of dialog.querySelectorAll("canvas")) draw(canvas, images[canvas.dataset.stream]);
  };

  const load = (source) =>
    new Promise((done, failed) => {
      const image = new Image();
      image.onload = () => done(image);
      image.onerror = () => failed(new Error("an image in this page does not decode"));
      image.src = source;
    });

  const hold = (canvas, picture) => {
    canvas.width = picture.width;
    canvas.height = picture.height;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    canvas.codes = context.getImageData(0, 0, canvas.width, canvas.height);
  };

  const show = async (card) => {
    current = card;
    images = null;
    const full = JSON.parse(card.querySelector("script").textContent);
    dialog.querySelector("h2").textContent = card.dataset.id;
    dialog.querySelector(".about").textContent = [...card.querySelectorAll(".tag, .tag + span, .verdict, p.small")]
      .map((part) => part.textContent.trim().replace(/\s+/g, " "))
      .join(" · ");
    for (const [name, source] of Object.entries(full.frames)) {
      const picture = dialog.querySelector(`[data-frame=${name}]`);
      picture.src = source;
      picture.alt = `${name} frame of ${card.dataset.id}`;
    }
    dialog.querySelector(".line").replaceChildren(card.querySelector(".timeline").cloneNode(true));
    if (!dialog.open) dialog.showModal();
    const canvases = [...dialog.querySelectorAll("canvas")];
    const pictures = await Promise.all(canvases.map((canvas) => load(full.images[canvas.dataset.stream].source)));
    if (current !== card) return; // another one was asked for meanwhile
    images = full.images;
    canvases.forEach((canvas, place) => hold(canvas, pictures[place]));
    drawAll();
  };

  const step = (by) => {
    const place = visible.indexOf(current) + by;
    if (place >= 0 && place < visible.length) show(visible[place]);
  };

  for (const field of [...filters, order]) field.addEventListener("change", arrange);
  for (const card of cards) card.querySelector(".enlarge").addEventListener("click", () => show(card));
  for (const button of dialog.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => step(Number(button.dataset.step)));
  }
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("change", drawAll);
  dialog.addEventListener("keydown", (event) => {
    if (event.target.matches("[name=mode]")) return; // the arrows choose among the modes
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  dialog.addEventListener("close", () => {
    const opener = current.querySelector(".enlarge");
    opener.focus({ preventScroll: true });
    opener.scrollIntoView({ block: "nearest" });
  });
  arrange();
}
