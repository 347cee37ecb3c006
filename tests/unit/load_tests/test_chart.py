from xml.etree import ElementTree as ET

from load_tests.chart import HEIGHT, MARGIN, WIDTH, to_svg

SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_is_well_formed_and_shows_every_point() -> None:
    tree = ET.fromstring(to_svg("a & b".replace("&", "&amp;"), [(1_000, 2.0), (2_000, 4.0), (4_000, 8.0)]))

    circles = tree.findall(f"{SVG}circle")
    assert len(circles) == 3
    assert (float(circles[-1].attrib["cx"]), float(circles[-1].attrib["cy"])) == (WIDTH - MARGIN, MARGIN)
    assert float(circles[0].attrib["cx"]) == MARGIN + (WIDTH - 2 * MARGIN) / 4
    assert [text.text for text in tree.findall(f"{SVG}text")][1:4] == ["2.0 ms", "4.0 ms", "8.0 ms"]


def test_a_chart_without_points_is_an_empty_one() -> None:
    assert not ET.fromstring(to_svg("empty", [])).findall(f"{SVG}circle")
    assert HEIGHT > 2 * MARGIN
