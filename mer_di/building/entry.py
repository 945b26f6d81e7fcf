"""A planned clip as a cache names it."""

from mer_di.building.plan import PlannedClip
from mer_di.cache import Entry


def cache_entry(clip: PlannedClip) -> Entry:
    """Return what the table and the plan say of a clip."""
    sample = clip.sample
    columns: dict[str, str | int] = {
        "sample_id": sample.sample_id,
        "subject": sample.subject,
        "clip": sample.clip,
        "emotion": sample.emotion,
        "emotion_written": sample.emotion_written,
        "action_units": sample.action_units,
        "objective_class": sample.objective_class,
        "apex_source": clip.apex_source,
        "onset": clip.onset,
        "apex": clip.apex,
        "offset": clip.offset,
        "onset_length": len(clip.onset_phase),
        "offset_length": len(clip.offset_phase),
    }
    return Entry(columns, float("nan") if sample.fps is None else sample.fps, clip.apex_confidence)
