from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from pages.parts.repeated import every

    @every(60)
    def told(words: str) -> None:
        st.markdown(words)

    told("hello")
    st.button("beside")


def test_what_runs_by_itself_has_a_container_of_its_own():
    """Regression: beside others Streamlit put it over the next one, the host's choice of rounds."""
    page = AppTest.from_function(script).run()
    assert not page.exception
    container, button = page.main.children.values()
    assert (button.label, len(container.children)) == ("beside", 1)
    (fragment,) = container.children.values()
    assert [told.value for told in fragment.children.values()] == ["hello"]
