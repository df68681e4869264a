"""What a recogniser saw along a line, as the letters that can stand there, and how it is spelt out.

A recogniser of 6,600 classes is asked about fifteen letters only: what it takes for something alike
counts for the letter, and the rest is doubt. A `Lattice` is steps × letters, each row the chances
at one place from left to right; the first column is "nothing new here" of connectionist temporal
classification (Graves et al., 2006), whose prefix search `spellings` is, kept within a grammar.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Lattice = NDArray[np.float32]
"""Steps × (1 + letters)."""

ALIKE: Final = {
    **{digit: digit for digit in "0123456789"},
    # Measured: the recogniser is Chinese and has seen few of the names of Japanese eras. None of
    # these can stand in a date, and no two eras look alike by them.
    "年": "年", "月": "月", "日": "日曰", "元": "元",
    "昭": "昭邵照绍招诏", "和": "和", "平": "平乎苹", "成": "成咸戌",
    "令": "令今合命冷岭", "大": "大", "正": "正", "明": "明", "治": "治",
}  # fmt: skip
"""Each letter of a printed date, and what the recogniser may take it for."""
LETTERS: Final = "".join(ALIKE)
STRAY: Final = 0.2
"""What passing over a mark that is none of the letters costs: a scratch, the rim of a picture."""
BEAM: Final = 12
_LEAST: Final = 1e-4  # a letter less likely than this at its place is not followed up

Grammar = Callable[[str], str]
"""The letters that may follow a beginning; none when it is whole."""
LAST: Final = "日"
"""A word that has come so far is whole, whatever follows it: 生, まで有効."""


def lattice_of(chances: NDArray[np.float32], columns: list[list[int]], free: list[int]) -> Lattice:
    """A lattice out of a recogniser's steps × classes.

    `columns` are the classes of each letter, `free` those that mean nothing new (blank, space).
    """
    letters = np.stack([chances[:, classes].sum(axis=1) for classes in columns], axis=1)
    nothing = chances[:, free].sum(axis=1)
    stray = np.clip(1.0 - nothing - letters.sum(axis=1), 0.0, 1.0)
    return np.concatenate([(nothing + STRAY * stray)[:, None], letters], axis=1)


def spellings(lattice: Lattice, grammar: Grammar) -> dict[str, float]:
    """The likeliest whole words of a grammar and their chances, which add up to one at most."""
    whole: defaultdict[str, float] = defaultdict(float)
    # Of each beginning: the chance that its last letter is not, or is, the step's own.
    beam: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}
    for step in lattice:
        nothing = float(step[0])
        ended: defaultdict[str, float] = defaultdict(float)
        going: defaultdict[str, float] = defaultdict(float)
        likely = {LETTERS[at]: float(step[at + 1]) for at in np.flatnonzero(step[1:] > _LEAST)}
        for word, (after_nothing, after_letter) in beam.items():
            either = after_nothing + after_letter
            ended[word] += either * nothing
            last = word[-1:]
            if last in likely:
                going[word] += after_letter * likely[last]
            for letter in grammar(word):
                if letter not in likely:
                    continue
                # The same letter twice needs nothing in between.
                before = after_nothing if letter == last else either
                longer = word + letter
                counted = whole if letter == LAST else going
                counted[longer] += before * likely[letter]
        both = {word: (ended[word], going[word]) for word in ended.keys() | going.keys()}
        best = sorted(both, key=lambda word: sum(both[word]), reverse=True)[:BEAM]
        beam = {word: both[word] for word in best}
    whole.update({word: sum(chances) for word, chances in beam.items() if not grammar(word)})
    return {word: chance for word, chance in whole.items() if chance > 0.0}
