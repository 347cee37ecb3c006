import pytest

from app.projections.errors import PageOutOfRange
from app.projections.pages import PAGE_MAX, SKIP_MAX, Window


@pytest.mark.parametrize(("field", "bounds"), [("limit", (0, PAGE_MAX + 1)), ("skip", (-1, SKIP_MAX + 1))])
def test_a_page_has_a_size_that_a_reader_cannot_choose_freely(field: str, bounds: tuple[int, int]) -> None:
    for value in bounds:
        with pytest.raises(PageOutOfRange) as refusal:
            Window(**{field: value})
        assert (refusal.value.field, refusal.value.value, refusal.value.code) == (field, value, "page_out_of_range")
