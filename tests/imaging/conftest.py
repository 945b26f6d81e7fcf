import pytest

from mer_di.imaging import image as one_image


@pytest.fixture(params=["simplejpeg", "OpenCV"])
def decoder(request, monkeypatch):
    """With the optional decoder, and as if it was not installed."""
    if request.param == "simplejpeg":
        pytest.importorskip("simplejpeg", reason="the extra fast is not installed")
    else:
        monkeypatch.setattr(one_image, "_simplejpeg", lambda: None)
