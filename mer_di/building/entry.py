"""A rendered clip as a cache holds it."""

from mer_di.building.plan import PlannedClip
from mer_di.building.rendering import RenderedClip
from mer_di.cache import CachedClip


def cache_entry(clip: PlannedClip, rendered: RenderedClip) -> CachedClip:
    """Join what the table says of a clip with what was computed from its frames."""
    sample = clip.sample
    height, width = rendered.frame_size
    columns: dict[str, str | int] = {
        "sample_id": sample.sample_id,
        "subject": sample.subject,
        "clip": sample.clip,
        "emotion": sample.emotion,
        "emotion_written": sample.emotion_written,
        "action_units": sample.action_units,
        "apex_source": clip.apex_source,
        "onset": clip.onset,
        "apex": clip.apex,
        "offset": clip.offset,
        "onset_length": len(clip.onset_phase),
        "offset_length": len(clip.offset_phase),
        "frame_height": height,
        "frame_width": width,
    }
    fps = float("nan") if sample.fps is None else sample.fps
    return CachedClip(columns, fps, rendered.di, rendered.frames, rendered.transform)
