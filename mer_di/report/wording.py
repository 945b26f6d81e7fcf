"""A cache's origin in words."""

from collections.abc import Mapping

from mer_di.rank_pooling.schemes import IN_WORDS
from mer_di.recipe import Recipe

_ALIGN = {
    "none": "The whole frame is taken; faces are not aligned.",
    "similarity": "One similarity transform a clip, from the landmarks of the onset frame, applied to the sums.",
    "per-frame": "A smoothed similarity transform for every frame.",
}
_REVERSAL = {
    "time": "The fading phase is weighed as the time-reversed rising one (with arp, the paper's Eq. 3).",
    "sign": "The fading phase has the weights of the rising one, negated.",
}
_APEX_IN = {
    "both": "The apex frame belongs to both phases.",
    "onset": "The apex frame belongs to the rising phase alone.",
    "offset": "The apex frame belongs to the fading phase alone.",
}
_APEX_POLICY = {
    "drop": "A sample without a usable apex is dropped.",
    "midpoint": "Where the table has no usable apex, the frame midway between onset and offset is taken.",
    "spot": "Where the table has no usable apex, the frames tell it: one rise and one fall that explain most.",
}
_ASPECT = {"stretch": "A frame that is not square is stretched.", "keep": "A frame keeps its aspect."}
_FLOW = {
    "ilk": "iterative Lucas-Kanade (scikit-image)",
    "tvl1": "TV-L1 (scikit-image)",
    "farneback": "Farnebäck's polynomial expansion (OpenCV)",
    "dis": "dense inverse search down to the finest scale (OpenCV)",
}
_FACES = {"drop": "A frame with two faces drops its sample.", "largest": "Of several faces the largest is taken."}


def recipe_in_words(recipe: Recipe) -> Mapping[str, str]:
    """Return a term and a sentence for everything in a recipe that changes a pixel."""
    words = {
        "Frames": f"{recipe.tree or 'the database’s only tree'}; images of {recipe.size} × {recipe.size} pixels.",
        "Alignment": " ".join(filter(None, (_ALIGN[recipe.align], _ASPECT.get(recipe.aspect or "")))),
        "Weights": f"{IN_WORDS[recipe.scheme]} {_REVERSAL[recipe.reversal]}",
        "Phases": f"{_APEX_IN[recipe.apex_in]} {_APEX_POLICY[recipe.apex_policy]}",
        "Length": f"Each phase is resampled to {recipe.temporal_length} frames, folded into the weights."
        if recipe.temporal_length
        else "Each phase keeps its own number of frames.",
        "Corrections": ", ".join(recipe.corrections) or "No correction set was applied to the table.",
    }
    if recipe.flow:
        words["Optical flow"] = f"Of both phases, by {_FLOW[recipe.flow]}."
    if recipe.magnify_band:
        low, high = recipe.magnify_band
        words["Magnification"] = (
            f"α = {recipe.magnify_alpha:g}; B is the difference of two first-order low-passes, {low:g} to {high:g} Hz, "
            "that begin at the onset frame."
        )
    if recipe.apex_sigma:
        words["Apex"] = (
            f"Uncertain by {recipe.apex_sigma:g} frames (standard deviation): every image is the mean of those of all "
            "apexes that leave two frames to both phases, weighed by a normal distribution up to four deviations."
        )
    if recipe.apex_jitter:
        words["Neighbours"] = (
            f"The images of both phases are held at {recipe.apex_jitter} neighbouring apexes as well, for training."
        )
    if recipe.several_faces:
        words["Several faces"] = _FACES[recipe.several_faces]
    if recipe.landmark_model:
        words["Landmarks"] = f"Model with sha256 {recipe.landmark_model}."
    return words
