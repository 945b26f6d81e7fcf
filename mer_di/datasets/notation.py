"""From a row of an owner's table to a sample in one notation: keys, frame numbers, emotions."""

import unicodedata

from mer_di.datasets.sheets import shortened
from mer_di.datasets.spec import Spec
from mer_di.datasets.table import Row, frame_number
from mer_di.errors import AnnotationError
from mer_di.people import subject_number
from mer_di.sample import Sample

# "repression" stays apart: as a class it is not "others".
_ALIASES = {"other": "others", "happy": "happiness", "sad": "sadness"}
_QUOTES = "\"'`´‘’‚“”„«»"
_FASTEST = 1_000_000  # frames a second


def canonical_emotion(text: str) -> str:
    """Return a label in the one spelling used here: lower case, ``others``, ``happiness``, ``sadness``.

    Examples
    --------
    >>> canonical_emotion(" Other "), canonical_emotion("Happy"), canonical_emotion("repression")
    ('others', 'happiness', 'repression')
    """
    label = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return _ALIASES.get(label, label)


def subject_name(notation: str, text: str) -> str | None:
    """Return a subject in a database's notation, or None if the text names none.

    Examples
    --------
    >>> subject_name("sub{:02d}", "1"), subject_name("{:03d}", "s006"), subject_name("spNO.{}", "spno.12")
    ('sub01', '006', 'spNO.12')
    """
    prefix = notation.partition("{")[0]
    number = subject_number(text.casefold().removeprefix(prefix.casefold()))
    return None if number is None else notation.format(number)


def sample_from(row: Row, spec: Spec) -> Sample:
    """Read one row.

    Parameters
    ----------
    row : Row
        With the cells of `Spec.columns`.
    spec : Spec
        Database name, notation of subjects, columns, and frames per second where no column ``fps`` has them.

    Returns
    -------
    Sample
        Frame numbers as the table writes them; what holds no number stands in `Sample.unread`.

    Raises
    ------
    AnnotationError
        If subject, clip or emotion is blank, holds a control character, or begins or ends with a quote, or the
        subject is not in the database's notation.
    """
    numbers = {name: frame_number(row.cells.get(name)) for name in ("onset", "apex", "offset")}
    fps = _fps(row.text("fps")) if row.text("fps") else spec.fps
    unread = [name for name, number in numbers.items() if number is None and name in row.cells]
    unread += ["fps"] if row.text("fps") and fps is None else []
    emotion = _name(row, "emotion")
    return Sample(
        dataset=spec.name,
        subject=_subject(row, spec),
        clip=_name(row, "clip"),
        onset=numbers["onset"],
        apex=numbers["apex"],
        offset=numbers["offset"],
        emotion=canonical_emotion(emotion),
        emotion_written=emotion,
        action_units=_without_controls(row, "action_units", row.text("action_units"), but="\n\r\t"),
        fps=fps,
        unread=tuple((name, shortened(row.text(name))) for name in unread),
        objective_class=_without_controls(row, "objective_class", row.text("objective_class")),
    )


def _fps(text: str) -> float | None:
    try:
        fps = float(text)
    except ValueError:
        return None
    return fps if 0 < fps <= _FASTEST else None


def _name(row: Row, name: str) -> str:
    text = _without_controls(row, name, row.required_text(name))
    if text[0] in _QUOTES or text[-1] in _QUOTES:  # otherwise it was another person, or another class
        raise AnnotationError(
            f"{row.where}: the cell {name!r} begins or ends with a quote, {shortened(text)!r}; remove it, and look for "
            "others in the table"
        )
    return text


def _without_controls(row: Row, name: str, text: str, but: str = "") -> str:
    if any(unicodedata.category(sign) == "Cc" and sign not in but for sign in text):
        raise AnnotationError(
            f"{row.where}: the cell {name!r} holds a line break or another control character, '{shortened(text)}'; "
            "look for a stray quote, or remove it"
        )
    return text


def _subject(row: Row, spec: Spec) -> str:
    text = _name(row, "subject")
    if spec.subject is None:
        if "/" in text:  # otherwise "a/b" + "c" and "a" + "b/c" were one sample id
            raise AnnotationError(f"{row.where}: the subject {text!r} holds a slash; use another sign")
        return text
    name = subject_name(spec.subject, text)
    if name is None:
        raise AnnotationError(
            f"{row.where}: the subject is {shortened(text)!r}; expected a number or {spec.subject.format(1)!r}. Mend "
            "the cell, or delete the row if it is none of a clip"
        )
    return name
