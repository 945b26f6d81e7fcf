"""Cache format 1: the names in the file."""

from typing import get_args

from mer_di.streams import Stream

FORMAT = "mer_di"
FORMAT_VERSION = 1
DI_STREAMS: tuple[Stream, ...] = get_args(Stream)
KEY_FRAMES = ("onset", "apex", "offset")
TEXT_COLUMNS = ("sample_id", "subject", "clip", "emotion", "emotion_written", "action_units", "apex_source")
INT_COLUMNS = ("label", "onset", "apex", "offset", "onset_length", "offset_length", "frame_height", "frame_width")
CORRECTION_COLUMNS = ("set_name", "sample_id", "field", "was", "now", "why", "source")
