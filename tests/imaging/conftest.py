import pytest
import skimage.data

from mer_di.imaging import image as one_image
from mer_di.imaging.face import FaceFinder


@pytest.fixture(scope="session")
def finder():
    return FaceFinder()


@pytest.fixture(scope="session")
def portrait():
    return skimage.data.astronaut()


@pytest.fixture(params=["simplejpeg", "OpenCV"])
def decoder(request, monkeypatch):
    """With the optional decoder, and as if it was not installed."""
    if request.param == "simplejpeg":
        pytest.importorskip("simplejpeg", reason="the extra fast is not installed")
    else:
        monkeypatch.setattr(one_image, "_simplejpeg", lambda: None)
