"""Options that commands share which show or write the images of a cache."""

import click

from mer_di.cli.library import LibraryOption


def _names(_ctx: click.Context, _option: click.Parameter, text: str) -> tuple[str, ...]:
    from mer_di.cache import DATASET_OF

    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    unknown = [name for name in names if name not in DATASET_OF]
    if unknown:
        raise click.BadParameter(f"{', '.join(map(repr, unknown))}; expected one or more of {', '.join(DATASET_OF)}")
    return names


streams_option = click.option(
    "--streams",
    cls=LibraryOption,
    of="mer_di.cache:DI_STREAMS",
    type=str,
    callback=_names,
    help="Which images, by commas; flow_onset and flow_offset where the cache has flow.",
)
no_frames_option = click.option(
    "--no-frames", is_flag=True, help="Leave out onset, apex and offset frames, which are faces: personal data."
)
