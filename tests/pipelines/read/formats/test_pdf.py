"""PDF: the text of its pages in English and Chinese, hyphens, files without text, locks and damage."""

import gzip
import json
import sys

import pytest

from gristmill.pipelines.errors import InputError

pytest.importorskip("pypdfium2")

CMAP = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
1 beginbfrange <0000> <FFFF> <0000> endbfrange endcmap end end"""


def pdf(*pages: str, info: str = "", extra: str = "") -> bytes:
    """A PDF of lines of text, its fonts not embedded: Latin in Helvetica, others by their code points."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", ""]
    fonts = "/F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>/F2 3 0 R"
    objects.append("<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[4 0 R]/ToUnicode 6 0 R>>")
    objects.append(
        "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        "/DW 1000/FontDescriptor 5 0 R>>"
    )
    objects.append(
        "<</Type/FontDescriptor/FontName/X/Flags 4/FontBBox[0 0 1000 1000]/ItalicAngle 0/Ascent 900/Descent -100"
        "/CapHeight 800/StemV 80>>"
    )
    objects.append(f"<</Length {len(CMAP)}>>stream\n{CMAP}\nendstream")
    kids = []
    for page in pages:
        lines = []
        for line in page.split("\n"):
            if line.isascii():
                lines.append(f"/F1 12 Tf ({line}) Tj 0 -16 Td")
            else:
                lines.append(f"/F2 12 Tf <{line.encode('utf-16-be').hex()}> Tj 0 -16 Td")
        stream = "BT 50 750 Td " + "\n".join(lines) + " ET" if page else ""
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
        about = f"/MediaBox[0 0 600 800]/Contents {len(objects)} 0 R/Resources<</Font<<{fonts}>>>>"
        objects.append(f"<</Type/Page/Parent 2 0 R{about}>>")
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>"
    objects.append(f"<<{info}>>")
    out, places = "%PDF-1.4\n", []
    for number, data in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj{data}endobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    out += "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"trailer<</Size {len(objects) + 1}/Root 1 0 R/Info {len(objects)} 0 R{extra}>>\nstartxref\n{start}\n%%EOF"
    return out.encode("latin-1")


@pytest.mark.parametrize("suffix", [".pdf", ".pdf.gz"])
def test_read__pages_hyphens_and_what_is_known(tmp_path, read_all, suffix) -> None:
    data = pdf(
        "The old mill grinds flour and de-\nlivers it to well-known bakers.",
        "磨坊在河边，\n水车转动。",
        info="/Title(The mill)",
    )
    (tmp_path / f"a{suffix}").write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    (row,) = read_all("pdf", tmp_path).rows
    english, chinese = row["text"].split("\n\n")
    assert " ".join(english.split()) == "The old mill grinds flour and delivers it to well-known bakers."
    assert "".join(chinese.split()) == "磨坊在河边，水车转动。"
    assert json.loads(row["meta"]) == {"file": f"a{suffix}", "pages": 2, "title": "The mill"}


def test_read__without_a_text_layer_it_is_dropped(tmp_path, read_all) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf("", ""))
    (row,) = read_all("pdf", tmp_path).rows
    assert (row["drop"], row["drop_step"], row["text"]) == ("no_text_layer", "read", None)


def test_read__pages_that_cannot_be_read_are_counted(tmp_path, read_all) -> None:
    whole = pdf("The mill by the river.", "磨坊在河边。")
    assert b"\n8 0 obj" in whole  # the first page
    (tmp_path / "a.pdf").write_bytes(whole.replace(b"\n8 0 obj", b"\n88 0 obj"))
    (row,) = read_all("pdf", tmp_path).rows
    assert row["text"] == "磨坊在河边。"
    assert json.loads(row["meta"]) == {"file": "a.pdf", "pages": 2, "missing_pages": 1}


LOCK = "/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/O<" + "00" * 32 + ">/U<" + "11" * 32 + ">/P -4>>"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (pdf("secret", extra=LOCK), "EncryptedFile: the PDF needs a password"),
        (b"", None),
        (b"no pdf at all", "DamagedPdf: pdfium cannot open it (format error)"),
        (pdf("x")[:60], "DamagedPdf"),
        (pdf("x").replace(b"/Kids", b"/Kods"), "DamagedPdf: none of its pages can be read"),
        (pdf("x" * 3000), "RecordTooLong"),
    ],
)
def test_read__what_cannot_be_read_is_a_dead_letter(tmp_path, read_all, data, error) -> None:
    (tmp_path / "a.pdf").write_bytes(data)
    (tmp_path / "b.pdf").write_bytes(pdf("good"))
    outcome = read_all("pdf", tmp_path, max_record_bytes=3000)
    assert outcome.texts == ["good"]
    assert [dead.error[: len(error or "")] for dead in outcome.dead] == ([error] if error else [""])
    assert "secret" not in "".join(dead.error for dead in outcome.dead)


def test_plan__without_pdfium_says_what_to_install(tmp_path, read_all, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    monkeypatch.setattr("gristmill.pipelines.read.formats.pdf.find_spec", lambda name: None)
    (tmp_path / "a.pdf").write_bytes(pdf("x"))
    with pytest.raises(InputError) as caught:
        read_all("pdf", tmp_path)
    assert "gristmill[pdf]" in caught.value.fix
