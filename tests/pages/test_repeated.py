import pytest
from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from pages.parts.repeated import every

    @every(60)
    def told(words: str) -> None:
        st.markdown(words)

    told("hello")
    st.button("beside")


def training() -> None:
    from pathlib import Path

    import streamlit as st

    from mnist_core.runs.folder import Run
    from mnist_core.runs.progress import Progress
    from pages.parts.retrain.run_moments import watch_probes

    watch_probes(Run("none", Path("none"), "running"), Progress)
    st.button("beside")


@pytest.mark.parametrize(("shown", "words"), [(script, "hello"), (training, "This training")])
def test_what_runs_by_itself_has_a_container_of_its_own(shown, words):
    """Regression: beside others Streamlit put it over the next one, the host's choice of rounds."""
    page = AppTest.from_function(shown, default_timeout=60).run()
    assert not page.exception
    container, button = page.main.children.values()
    assert (button.label, len(container.children)) == ("beside", 1)
    (fragment,) = container.children.values()
    (told,) = fragment.children.values()
    assert told.value.startswith(words)
