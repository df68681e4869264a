"""An embedding and a look, one after the other, and nothing else: what callgrind counts.

    python -m contest.counted_calls PORTRAIT

Between the parts it calls a function of Python's own that nobody else calls; callgrind is told to
write down there what it counted, and to begin anew. (Of a function that is called through ctypes
callgrind does not learn.)
"""

from __future__ import annotations

import sys
from typing import Final

from contest.ours import Ours
from contest.pictures import colour_picture, frame_with_face
from firmware.match.runtime import models_folder

MARK: Final = "_Py_GetAllocatedBlocks"  # what sys.getallocatedblocks() is in C


def main() -> None:
    mark = sys.getallocatedblocks
    ours = Ours(str(models_folder()))
    ours.stage(frame_with_face(colour_picture(sys.argv[1])))
    # Once without counting: what is made at the first call only is not what a call costs.
    ours.embed()
    ours.whole()
    mark()
    ours.embed()
    mark()
    ours.whole()
    mark()


if __name__ == "__main__":
    main()
