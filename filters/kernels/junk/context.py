"""Lines that go by their neighbours, after junk.read_pages has said what each is by itself."""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, L lines.
from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.junk.pages import (
    BLANK,
    CONTACT,
    CUT,
    FIGURES,
    IN_MENU,
    LISTED,
    MARKS,
    NAMES,
    PROSE,
    ROW,
    SHORT,
)
from gristmill.filters.kernels.text.unicode import code_point

BAR = 0x7C
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
APART = 24
"""After so many lines without a sentence another text begins: a notice before or after the article."""
GAP_LINES = 4
"""The most lines between two names that go with them."""
MANY_BULLETS = 12
"""So many, twice BESIDE names of menus among them, make one in the midst of an article, too."""
DESCRIBED = 8
"""The fewest bulleted names of a menu that has other lines between them."""
LETTERS = 8
"""So many bulleted lines of one letter are an index."""
BARS = 3
"""So many lines that hold nothing but a bar, in a run, stand between names."""
LISTS = 20
"""The most lines of a list of links under its heading."""


@kernel
def read_context(
    data_B, begin_L, end_L, line_D1, what_L, family_L, opens_L, units_L, navigation, related, counters, advertisement
):
    """Lines that go by their neighbours: names of menus beside each other, figures between lines that go, lists of
    links under their heading. Changes what_L and family_L."""
    for d in range(line_D1.size - 1):
        first, stop = line_D1[d], line_D1[d + 1]
        body, last_body = find_body(what_L, units_L, first, stop)
        under, listed, begun = False, 0, body == stop
        for n in range(first, stop):  # lists under a heading; before the article its title stands there
            begun = begun or (what_L[n] == PROSE and 2 * units_L[n] >= BODY_UNITS)
            if opens_L[n] and begun:
                under, listed = True, 0
            elif under and what_L[n] != BLANK:
                listed += 1
                if what_L[n] == PROSE or what_L[n] == ROW or what_L[n] == CONTACT or listed > LISTS:
                    under = False
                elif what_L[n] != CUT:
                    what_L[n], family_L[n] = CUT, related
        if body < stop:
            cut_described(data_B, begin_L, what_L, family_L, units_L, first, body, navigation)
        n = first
        while n < stop:  # runs of short lines
            if not can_be_named(what_L[n]):
                n += 1
                continue
            run, named, last_named, first_named = n, 0, -1, -1
            outside = body < stop and (run < body or run > last_body)
            read_names(what_L, run, stop, outside)
            bars, steps = 0, 0
            while n < stop and (
                can_be_named(what_L[n]) or (outside and what_L[n] == LISTED and is_bulleted(data_B, begin_L[n]))
            ):
                bars += what_L[n] == MARKS and is_bar(data_B, begin_L[n], end_L[n])
                if what_L[n] != BLANK:
                    steps = steps + 1 if what_L[n] != LISTED and is_step(data_B, begin_L[n], end_L[n], steps + 1) else 0
                    if steps > 1 or (steps == 1 and is_home(data_B, begin_L[n] + 3, end_L[n])):
                        what_L[n], family_L[n] = CUT, navigation
                    else:
                        steps = 0
                if what_L[n] == IN_MENU or what_L[n] == CUT:
                    named += 1
                    last_named = n
                    if first_named < 0:
                        first_named = n
                n += 1
            at_front, at_back = run == first, n == stop
            if bars >= BARS:
                name_between_bars(data_B, begin_L, end_L, what_L, family_L, run, n, navigation)
            cut_beside(what_L, run, n, 1)
            cut_beside(what_L, n - 1, run - 1, -1)
            bullets, letters = count_bullets(data_B, begin_L, end_L, what_L, run, n)
            if (
                at_front
                or (at_back and named)
                or (outside and named >= BESIDE)
                or (bullets >= MANY_BULLETS and named >= 2 * BESIDE)
                or letters >= LETTERS
            ):
                alone = at_front or letters >= LETTERS
                cut_bullets(data_B, begin_L, what_L, family_L, run, n, run < body < stop, alone, navigation)
            if named >= RUN or (at_front and named >= FRONT):
                cut_between(what_L, family_L, run if at_front else first_named, last_named, navigation)
            if at_back and named >= RUN:
                cut_between(what_L, family_L, last_named, n, navigation)
            cut_bulleted_figures(data_B, begin_L, what_L, family_L, run, n, counters)
            previous, after, counted = False, 0, 0
            for m in range(run, n):  # figures that belong to a line before or after
                if what_L[m] == FIGURES and previous:
                    after = max(after, m + 1)  # a run of figures is walked once
                    while after < n and (what_L[after] == FIGURES or what_L[after] == BLANK):
                        after += 1
                    if after < n and what_L[after] == CUT:
                        what_L[m], family_L[m] = CUT, family_L[after]
                    elif counted:
                        what_L[m], family_L[m] = CUT, counted
                if what_L[m] != BLANK:
                    previous = what_L[m] == CUT
                    counted = family_L[m] if previous and family_L[m] in (counters, advertisement) else 0
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
        since = NEAR + 1
        for n in range(first, stop):  # how to reach who made the page
            since = 0 if what_L[n] == CUT else since + (what_L[n] != BLANK)
            if what_L[n] == CONTACT and n > last_body and since <= NEAR:
                what_L[n], since = CUT, 0
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
def find_body(what_L, units_L, first, stop):
    """(first, last) long sentence of the article, the longest of the texts of a page; `stop` twice if there is none."""
    body, last_body, most = stop, stop, 0
    begin, last, mass, gap, widest = stop, stop, 0, 0, 0
    for n in range(first, stop):
        if what_L[n] == PROSE or what_L[n] == ROW:
            widest, gap = max(widest, gap), 0
        elif what_L[n] != BLANK:
            gap += 1
        if what_L[n] == PROSE and units_L[n] >= BODY_UNITS:
            if begin == stop or widest > APART:
                begin, mass = n, 0
            last, mass, widest = n, mass + units_L[n], 0
            if mass > most:
                body, last_body, most = begin, last, mass
    return body, last_body


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
def count_bullets(data_B, begin_L, end_L, what_L, first, stop):
    """(bulleted short lines, those of one letter) of some lines."""
    bullets, letters = 0, 0
    for m in range(first, stop):
        is_short = what_L[m] == SHORT or what_L[m] == IN_MENU or what_L[m] == CUT
        if is_short and is_bulleted(data_B, begin_L[m]):
            bullets += 1
            letters += is_letter(data_B, begin_L[m], end_L[m])
    return bullets, letters


@inline
def cut_bullets(data_B, begin_L, what_L, family_L, first, stop, before, alone, family):
    """The short lines of lists of BULLETS and more, if one of them, or the line before, is a name of a menu or goes
    anyway (alone: none has to), and before an article those that could be links as well."""
    m, heading = first, 0
    while m < stop:
        begin, bullets, named = m, 0, heading
        while m < stop and (what_L[m] == BLANK or is_bulleted(data_B, begin_L[m])):
            bullets += what_L[m] == SHORT or what_L[m] == IN_MENU or what_L[m] == CUT
            named += what_L[m] == IN_MENU or what_L[m] == CUT
            m += 1
        for x in range(begin, m if bullets >= BULLETS and (named or alone) else begin):
            if what_L[x] == SHORT or what_L[x] == IN_MENU or (before and what_L[x] == LISTED):
                what_L[x], family_L[x] = CUT, family
        if m == begin:
            heading = what_L[m] == IN_MENU or what_L[m] == CUT
            m += 1
        else:
            heading = heading and bullets == 0


@inline
def cut_bulleted_figures(data_B, begin_L, what_L, family_L, first, stop, family):
    """Bulleted lines that hold only numbers, BESIDE and more of them: how often something was read, shared, liked."""
    figures = 0
    for write in range(2):
        for m in range(first, stop if write == 0 or figures >= BESIDE else first):
            if what_L[m] == FIGURES and is_bulleted(data_B, begin_L[m]):
                figures += 1
                if write == 1:
                    what_L[m], family_L[m] = CUT, family


@inline
def cut_described(data_B, begin_L, what_L, family_L, units_L, first, body, family):
    """Menus before an article whose bulleted names have others, or what they are about, below them: DESCRIBED names
    with little between two, BESIDE of them known."""
    m = first
    while m < body:
        begin, last, bullets, named, between = m, m, 0, 0, 0
        while m < body and between <= GAP_LINES:
            is_short = what_L[m] == SHORT or what_L[m] == IN_MENU or what_L[m] == CUT
            if is_short and is_bulleted(data_B, begin_L[m]):
                bullets += 1
                last, between = m, 0
            elif what_L[m] == ROW or units_L[m] >= BODY_UNITS:
                between = GAP_LINES + 1
            elif what_L[m] != BLANK:
                between += 1 if is_short else 2
            named += what_L[m] == IN_MENU or what_L[m] == CUT
            m += 1
        if bullets >= DESCRIBED and named >= BESIDE:
            while not is_bulleted_line(data_B, begin_L, what_L, begin):
                begin += 1
            for x in range(begin, last + 1):
                if what_L[x] != BLANK and what_L[x] != CUT:
                    what_L[x], family_L[x] = CUT, family


@inline
def is_bulleted_line(data_B, begin_L, what_L, line):
    """Whether a line holds more than spaces and begins with a bullet."""
    return what_L[line] != BLANK and is_bulleted(data_B, begin_L[line])


@inline
def name_between_bars(data_B, begin_L, end_L, what_L, family_L, first, stop, family):
    """Short lines before and after one that holds only a bar are names of a menu."""
    before, bar = -1, False
    for m in range(first, stop):
        if what_L[m] == MARKS and is_bar(data_B, begin_L[m], end_L[m]):
            if before >= 0 and what_L[before] == SHORT:
                what_L[before], family_L[before] = IN_MENU, family
            bar = True
        elif what_L[m] != BLANK:
            if bar and what_L[m] == SHORT:
                what_L[m], family_L[m] = IN_MENU, family
            before, bar = m, False


@inline
def is_step(data_B, begin, end, number):
    """Whether a line begins with a number, a full stop and a space, as a path to a page does that is a list."""
    if number > 9 or begin + 2 >= end:
        return False
    return data_B[begin] == 0x30 + number and data_B[begin + 1] == 0x2E and data_B[begin + 2] == 0x20


@inline
def is_home(data_B, begin, end):
    """Whether the rest of a line is `home`, 首页 or 主页."""
    if end == begin + 4:
        one, two, three, four = data_B[begin], data_B[begin + 1], data_B[begin + 2], data_B[begin + 3]
        return one | 0x20 == 0x68 and two | 0x20 == 0x6F and three | 0x20 == 0x6D and four | 0x20 == 0x65
    if end != begin + 6 or code_point(data_B, begin + 3)[0] != 0x9875:
        return False
    return code_point(data_B, begin)[0] in (0x9996, 0x4E3B)


@inline
def is_bar(data_B, begin, end):
    """Whether a line of signs is one bar, with or without a bullet."""
    while begin < end and data_B[begin] == 0x20:
        begin += 1
    if begin + 4 < end and data_B[begin] == 0xE2 and data_B[begin + 3] == 0x20:
        begin += 4
    return begin + 1 == end and data_B[begin] == BAR


@inline
def is_letter(data_B, begin, end):
    """Whether a bulleted line has one byte behind its bullet and spaces."""
    while data_B[begin] == 0x20:
        begin += 1
    begin += 3
    while begin < end and data_B[begin] == 0x20:
        begin += 1
    return begin + 1 == end


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
