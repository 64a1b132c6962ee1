"""Functions of NumPy that make no sense for numbers, each with its reason.

May import: NumPy.  The refused ufuncs stand beside the other ufuncs.
"""

import numpy as np

_WRITES = "it writes plain arrays to a file"
_READS = "it reads constants, which like= cannot give derivatives; leave like= away"
_DATES = "dates have no derivative"
_BITS = "the bits of integers have no derivative"
_TEXT = "strings have no derivative"

REFUSED = {
    **{f: _WRITES for f in (np.save, np.savez, np.savez_compressed, np.savetxt)},
    **{f: _READS for f in (np.frombuffer, np.fromfile, np.fromstring, np.genfromtxt, np.loadtxt)},
    np.fromiter: "it makes plain numbers of what it iterates over; use np.stack(list(...))",
    **{f: _DATES for f in (
        np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string)},
    np.packbits: _BITS,
    np.unpackbits: _BITS,
    # whole modules, which are not imported for it
    "numpy.strings": _TEXT,
    "numpy.char": _TEXT,
    "numpy.lib.recfunctions": "a number is one array, not a record of named fields",
}
ROWS = {}
