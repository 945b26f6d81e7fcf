"""Clip folders on disk: which frame trees there are, which one is read, and which folder belongs to which sample."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mer_di.datasets.finding import Finding
from mer_di.datasets.locate import files, no_frames, sought, subfolders
from mer_di.datasets.notation import subject_name
from mer_di.datasets.spec import Spec, Tree
from mer_di.datasets.table import plain
from mer_di.errors import AnnotationError, InputError
from mer_di.sample import Sample

VIDEO_SUFFIXES = (".avi", ".mkv", ".mov", ".mp4", ".mpg", ".wmv")
_DEPTH = 4  # root / release / part / zip folder / zip folder again / subjects


@dataclass(frozen=True, slots=True)
class Clips:
    """The clip folders of one frame tree.

    Attributes
    ----------
    tree : Tree
        The tree that was chosen.
    folders : mapping of str to pathlib.Path
        Folder by case-folded key: ``subject/clip``, or the clip alone where that is unique.
    homes : tuple of pathlib.Path
        Folders below which their keys were looked for.
    findings : tuple of Finding
    """

    tree: Tree
    folders: Mapping[str, Path]
    homes: tuple[Path, ...]
    findings: tuple[Finding, ...] = ()


Within = Callable[[Path], Iterable[tuple[str, Path]]]
TreeOf = Callable[[Spec, Path, Path], Tree | None]


def folders_within(subject: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and path of each folder in a subject's folder: its clips, as most databases keep them."""
    return ((folder.name, folder) for folder in subfolders(subject))


def videos_within(subject: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and path of each video in a subject's folder."""
    return ((path.stem, path) for path in files(subject) if is_video(path))


def is_video(path: Path) -> bool:
    """Whether a file is called as a video is."""
    return path.suffix.casefold() in VIDEO_SUFFIXES


def named_tree(spec: Spec, root: Path, home: Path) -> Tree | None:
    """Return the tree that a folder of subjects belongs to, or None if nothing says it.

    It is known by the name of a folder between root and its subjects, else by how its frames are named, or by its
    clips being videos.

    Parameters
    ----------
    spec : Spec
    root : pathlib.Path
    home : pathlib.Path
        A folder in which subjects have folders, at or below root.
    """
    for folder in (home, *home.parents):
        for tree in spec.trees:
            if plain(folder.name) in tree.folders:
                return tree
        if folder == root:
            break
    frame = _some_frame(spec, home)
    if not frame and _some_video(spec, home):
        return next((tree for tree in spec.trees if tree.videos), None)
    return next((tree for tree in spec.trees if tree.prefix is not None and frame.startswith(tree.prefix)), None)


def subject_clips(
    spec: Spec, root: Path, wanted: str | None, *, within: Within = folders_within, tree_of: TreeOf = named_tree
) -> Clips:
    """Find ``.../<subject>/<clip>/`` folders, in the wanted tree or the most preferred one.

    A tree may be doubled. One that nothing tells apart is read as the wanted one. Subjects without a notation are all
    folders in a folder that is named as a tree is.

    Parameters
    ----------
    spec : Spec
        Notation of subjects, and the trees in order of preference.
    root : pathlib.Path
        The database, one of its trees, or a folder above.
    wanted : str or None
        Name of a tree.
    within : callable
        Yields name and folder of each clip in a subject's folder.
    tree_of : callable
        Says which tree a folder of subjects is, as `named_tree` does.

    Returns
    -------
    Clips
        Keyed by ``subject/clip``. With a finding of kind ``tree-chosen`` where there were several trees.

    Raises
    ------
    InputError
        If the database has no tree of that name.
    DatasetNotFoundError
        If the wanted tree, or any, is not there.
    AnnotationError
        If two folders hold one clip.
    """
    require_tree(spec, wanted)
    homes: dict[str, list[Path]] = defaultdict(list)
    for home in _homes(spec, root, _DEPTH):
        tree = tree_of(spec, root, home)
        if tree is None and wanted is None:
            raise no_frames(spec, home, _unknown_tree(spec, home))
        homes[tree.name if tree else str(wanted)].append(home)
    present = [tree for tree in spec.trees if tree.name in homes]
    chosen = next((tree for tree in present if wanted in (None, tree.name)), None)
    if chosen is None:
        raise no_frames(spec, root, _no_tree(spec, root, wanted, present))
    found = homes[chosen.name]
    clips = index(_keyed(spec, found, videos_within if chosen.videos else within))
    if not clips:
        raise no_frames(spec, root, _no_clip(spec, found, chosen))
    return Clips(chosen, clips, tuple(found), _several(present, chosen, homes, wanted))


def named_clips(spec: Spec, root: Path, wanted: str | None, name: re.Pattern[str], example: str, depth: int) -> Clips:
    """Find the folders that are named as clips are, wherever they lie, of a database with one tree.

    Parameters
    ----------
    spec : Spec
    root : pathlib.Path
    wanted : str or None
        Name of a tree.
    name : re.Pattern
        What the whole name of a clip's folder matches. Folders named ``macro...`` are not entered.
    example : str
        Such a name, for a message.
    depth : int
        Levels of folders between root and the clips, at most.

    Returns
    -------
    Clips
        Keyed by the folder's name.

    Raises
    ------
    InputError
        If the database has no tree of that name.
    DatasetNotFoundError
        If there is no such folder.
    AnnotationError
        If two folders hold one clip.
    """
    require_tree(spec, wanted)
    folders = index((folder.name, folder) for folder in _named(root, name, depth))
    if not folders:
        found = f"{root} holds a table and no frames: no folder such as {example} within {depth} levels"
        raise no_frames(spec, root, found)
    return Clips(spec.trees[0], folders, (root / "**",))


def require_tree(spec: Spec, wanted: str | None) -> None:
    """Refuse the name of a tree that a database does not have.

    Raises
    ------
    InputError
        If there is no such tree.
    """
    names = [tree.name for tree in spec.trees]
    if wanted is not None and wanted not in names:
        raise InputError(
            f"{spec.name} has no frame tree {wanted!r}; expected {' or '.join(names) or 'none to be named'}"
        )


def index(folders: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Map case-folded keys to folders.

    Raises
    ------
    AnnotationError
        If two folders have one key: which of them the table means cannot be known.
    """
    found: dict[str, Path] = {}
    for key, folder in folders:
        first = found.setdefault(key.casefold(), folder)
        if first != folder:
            raise AnnotationError(
                f"two {'videos' if folder.is_file() else 'folders'} hold the clip {key}: {first} and {folder}; remove "
                "one, or name the right tree with --root"
            )
    return found


def place(
    samples: Iterable[Sample], clips: Clips, key: Callable[[Sample], str]
) -> tuple[tuple[Sample, ...], tuple[Finding, ...]]:
    """Give each sample its folder.

    Parameters
    ----------
    samples : iterable of Sample
    clips : Clips
    key : callable
        Key of a sample in `Clips.folders`, before case-folding.

    Returns
    -------
    samples : tuple of Sample
        Without a path, and with what was looked for, where no folder was found.
    findings : tuple of Finding
        One of kind ``folder-without-row`` for each folder that no sample has.
    """
    placed = tuple(_placed(sample, clips, key(sample)) for sample in samples)
    used = {sample.path for sample in placed}
    text = "the table has no row for this folder, so it has no label and is not read"
    findings = [
        Finding("folder-without-row", f"{folder.parent.name}/{folder.name}", text)
        for folder in clips.folders.values()
        if folder not in used
    ]
    return placed, tuple(findings)


def _placed(sample: Sample, clips: Clips, key: str) -> Sample:
    folder = clips.folders.get(key.casefold())
    if folder is None:
        return replace(sample, sought=", ".join(sought(home / key) for home in clips.homes))
    return replace(sample, path=folder)


def _named(folder: Path, name: re.Pattern[str], depth: int) -> Iterator[Path]:
    for child in subfolders(folder):
        if name.fullmatch(child.name):
            yield child
        elif depth and not plain(child.name).startswith("macro"):
            yield from _named(child, name, depth - 1)


def _homes(spec: Spec, folder: Path, depth: int) -> Iterator[Path]:
    inside = subfolders(folder)
    subjects = _subjects(spec, folder, inside)
    if subjects:
        yield folder
    if depth:
        for child in inside:
            if child not in subjects:
                yield from _homes(spec, child, depth - 1)


def _subjects(spec: Spec, folder: Path, inside: Sequence[Path]) -> Sequence[Path]:
    if spec.subject is not None:
        return [child for child in inside if _subject(spec, child)]
    names = _names(spec)
    doubled = any(plain(child.name) in names for child in inside)
    return inside if plain(folder.name) in names and not doubled else ()


def _names(spec: Spec) -> Sequence[str]:
    return [name for tree in spec.trees for name in tree.folders]


def _subject(spec: Spec, folder: Path) -> str | None:
    if spec.subject is None:
        return folder.name
    notation, written = spec.subject, folder.name.casefold()
    name = subject_name(notation, written)
    prefix = notation.partition("{")[0].casefold()
    padded = bool(prefix) and written.startswith(prefix) and written.removeprefix(prefix).isdecimal()
    return name if name is not None and (padded or name.casefold() == written) else None


def _some_frame(spec: Spec, home: Path) -> str:
    clips = (clip for child in subfolders(home) if _subject(spec, child) for clip in subfolders(child))
    return next((frame.name for clip in clips for frame in files(clip)), "")


def _some_video(spec: Spec, home: Path) -> Path | None:
    inside = (path for child in subfolders(home) if _subject(spec, child) for _, path in videos_within(child))
    return next(inside, None)


def _keyed(spec: Spec, homes: Sequence[Path], within: Within) -> Iterator[tuple[str, Path]]:
    for home in homes:
        for child in subfolders(home):
            if subject := _subject(spec, child):
                yield from ((f"{subject}/{name}", clip) for name, clip in within(child))


def _unknown_tree(spec: Spec, home: Path) -> str:
    names = ", ".join(tree.name for tree in spec.trees)
    if not _some_frame(spec, home) and (video := _some_video(spec, home)):
        return f"{home} holds videos, such as {video}; in the frame trees ({names}) a clip is a folder of images"
    return f"nothing says which frame tree lies in {home}: name it with --tree, one of {names}"


def _no_clip(spec: Spec, homes: Sequence[Path], tree: Tree) -> str:
    wanted = "videos" if tree.videos else "folders of images"
    video = next((path for home in homes if (path := _some_video(spec, home))), None)
    instead = f"; there are videos, such as {video}" if video and not tree.videos else ""
    return f"the tree {tree.name} in {', '.join(map(str, homes))} holds no clip: its clips are {wanted}{instead}"


def _no_tree(spec: Spec, root: Path, wanted: str | None, present: Sequence[Tree]) -> str:
    there = ", ".join(tree.name for tree in present)
    if there:
        return f"{root} holds no frame tree {wanted!r}, only {there}"
    known = f"of a subject, such as {spec.subject.format(1)}," if spec.subject else f"named {' or '.join(_names(spec))}"
    return f"{root} holds no frames: no folder {known} within {_DEPTH} levels"


def _several(
    present: Sequence[Tree], chosen: Tree, homes: Mapping[str, Sequence[Path]], wanted: str | None
) -> tuple[Finding, ...]:
    if wanted is not None or len(present) == 1:
        return ()
    where = ", ".join(map(str, homes[chosen.name]))
    text = f"frames lie here as {', '.join(tree.name for tree in present)}; {chosen.name} is read, choose with --tree"
    return (Finding("tree-chosen", where, text),)
