"""Lines that go by their neighbours, after junk.read_pages has said what each is by itself."""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, L lines.
from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.junk.pages import BLANK, CUT, FIGURES, IN_MENU, LISTED, MARKS, NAMES, PROSE, ROW, SHORT
from gristmill.filters.kernels.text.unicode import code_point

NEAR = 4
"""A name of a menu goes with another line of the kind at most so many lines away, blank ones aside."""
RUN = 5
"""So many of them in a run of short lines make the others of the run names too."""
BULLETS = 4
FRONT = 2
"""So many at the front of a page do."""
BESIDE = 3
"""So many make bulleted lines of a run names before and after an article."""
BODY_UNITS = 40
"""An article begins and ends with a sentence of so many Chinese characters, or half as many words."""
GAP_LINES = 4
"""The most lines between two names that go with them."""
LISTS = 20
"""The most lines of a list of links under its heading."""


@kernel
def read_context(data_B, begin_L, line_D1, what_L, family_L, opens_L, units_L, navigation, related):
    """Lines that go by their neighbours: names of menus beside each other, figures between lines that go, lists of
    links under their heading. Changes what_L and family_L."""
    for d in range(line_D1.size - 1):
        first, stop = line_D1[d], line_D1[d + 1]
        under, listed = False, 0
        for n in range(first, stop):  # lists under a heading
            if opens_L[n]:
                under, listed = True, 0
            elif under and what_L[n] != BLANK:
                listed += 1
                if what_L[n] == PROSE or what_L[n] == ROW or listed > LISTS:
                    under = False
                elif what_L[n] != CUT:
                    what_L[n], family_L[n] = CUT, related
        body, last_body = stop, stop
        for n in range(first, stop):
            if what_L[n] == PROSE and units_L[n] >= BODY_UNITS:
                body, last_body = min(body, n), n
        n = first
        while n < stop:  # runs of short lines
            if not can_be_named(what_L[n]):
                n += 1
                continue
            run, named, last_named, first_named = n, 0, -1, -1
            outside = body < stop and (run < body or run > last_body)
            read_names(what_L, run, stop, outside)
            while n < stop and can_be_named(what_L[n]):
                if what_L[n] == IN_MENU or what_L[n] == CUT:
                    named += 1
                    last_named = n
                    if first_named < 0:
                        first_named = n
                n += 1
            at_front, at_back = run == first, n == stop
            cut_beside(what_L, run, n, 1)
            cut_beside(what_L, n - 1, run - 1, -1)
            if at_front or (at_back and named) or (outside and named >= BESIDE):
                cut_bullets(data_B, begin_L, what_L, family_L, run, n, navigation)
            if named >= RUN or (at_front and named >= FRONT):
                cut_between(what_L, family_L, run if at_front else first_named, last_named, navigation)
            if at_back and named >= RUN:
                cut_between(what_L, family_L, last_named, n, navigation)
            previous, after = False, 0
            for m in range(run, n):  # figures that belong to a line before or after
                if what_L[m] == FIGURES and previous:
                    after = max(after, m + 1)  # a run of figures is walked once
                    while after < n and (what_L[after] == FIGURES or what_L[after] == BLANK):
                        after += 1
                    if after < n and what_L[after] == CUT:
                        what_L[m], family_L[m] = CUT, family_L[after]
                if what_L[m] != BLANK:
                    previous = what_L[m] == CUT
        for m in range(first, stop):  # signs beside a line that goes
            if what_L[m] == MARKS:
                before, after = m - 1, m + 1
                while before >= first and what_L[before] == BLANK:
                    before -= 1
                while after < stop and what_L[after] == BLANK:
                    after += 1
                if before >= first and what_L[before] == CUT:
                    what_L[m], family_L[m] = CUT, family_L[before]
                elif after < stop and what_L[after] == CUT:
                    what_L[m], family_L[m] = CUT, family_L[after]
        blank, family = True, 0
        for n in range(first, stop):  # one gap where lines went, not two
            if what_L[n] == CUT:
                family = family_L[n]
            elif what_L[n] != BLANK:
                blank, family = False, 0
            elif blank and family:
                what_L[n], family_L[n] = CUT, family
            else:
                blank = True


@inline
def read_names(what_L, run, stop, outside):
    """What rows of names are in a run of short lines: menus before and after an article, if there are no more of them
    than of other lines that go there; else what an article says in a row, of people or in a table."""
    rows, named, m = 0, 0, run
    while m < stop and can_be_named(what_L[m]):
        rows += what_L[m] == NAMES
        named += what_L[m] == IN_MENU or what_L[m] == CUT
        m += 1
    for x in range(run, m if rows else run):
        if what_L[x] == NAMES:
            what_L[x] = IN_MENU if outside and rows <= named else LISTED


@inline
def cut_beside(what_L, first, stop, step):
    """The names of a menu that stand near another line of the kind, on the way from one line to another."""
    before, seen = -NEAR - 1, 0
    for m in range(first, stop, step):
        if what_L[m] == BLANK:
            continue
        seen += 1
        if what_L[m] == IN_MENU or what_L[m] == CUT:
            if before >= 0 and seen - before <= NEAR:
                what_L[m] = CUT
            before = seen


@inline
def cut_bullets(data_B, begin_L, what_L, family_L, first, stop, family):
    """The short lines of a list, if it has BULLETS of them: called where a page begins or ends, as articles do not."""
    bullets = 0
    for write in range(2):
        for m in range(first, stop):
            is_short = what_L[m] == SHORT or what_L[m] == IN_MENU or what_L[m] == CUT
            if is_short and is_bulleted(data_B, begin_L[m]):
                bullets += 1 - write
                if write == 1 and bullets >= BULLETS and what_L[m] != CUT:
                    what_L[m], family_L[m] = CUT, family


@inline
def is_bulleted(data_B, begin):
    """Whether a line that holds more than spaces begins with a bullet behind them: dumps of pages indent lists."""
    while data_B[begin] == 0x20:
        begin += 1
    return code_point(data_B, begin)[0] == 0x2022


@inline
def cut_between(what_L, family_L, first, stop, family):
    """The short lines among some, if there are no more than GAP_LINES of them without a name between."""
    between = first
    for m in range(first, stop + 1):
        if m == stop or what_L[m] == IN_MENU or what_L[m] == CUT:
            if m - between <= GAP_LINES:
                for x in range(between, m):
                    if what_L[x] == SHORT:
                        what_L[x], family_L[x] = CUT, family
            between = m


@inline
def can_be_named(what):
    """Lines that menus are made of, and what stands between them."""
    return what in (BLANK, FIGURES, MARKS, SHORT, IN_MENU, CUT, NAMES)
