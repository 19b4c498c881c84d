"""How many characters of a document are of which kind, in any script."""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets.
from gristmill.filters.kernels.jit import kernel
from gristmill.filters.kernels.text.unicode import ALNUM, DIGIT, SPACE, code_point


@kernel
def count_kinds(data_B, start_D1, classes, visible_D, letters_D, digits_D):
    """Code points per document, int64: without white space; letters, digits and marks among these; digits alone."""
    for d in range(visible_D.size):
        visible, letters, digits = 0, 0, 0
        i = start_D1[d]
        while i < start_D1[d + 1]:
            c, i = code_point(data_B, i)
            k = classes[c]
            visible += k & SPACE == 0
            letters += k & ALNUM != 0
            digits += k & DIGIT != 0
        visible_D[d], letters_D[d], digits_D[d] = visible, letters, digits
