"""Other ways onto the canvas than drawing: an example, a photo, the camera."""

import streamlit as st

from mnist_core.errors import MnistError
from mnist_core.ink.examples import EXAMPLES, Example
from mnist_core.ink.photo import read_photo
from mnist_core.views import canvas_state, example_view
from mnist_core.views.answer_view import Html


def load_example(example: Example) -> None:
    """Put an example on the canvas."""
    canvas_state.of(st.session_state).load_strokes(example.strokes)


def examples() -> None:
    """Offer drawings to start from, each as a small picture."""
    st.html(Html(f"<style>{example_view.pictures('st-key-example-')}</style>"))
    with st.container(horizontal=True, key="examples"):
        for index, example in enumerate(EXAMPLES):
            st.button(
                example.name.capitalize(),
                key=f"example-{index}",
                on_click=load_example,
                args=(example,),
            )


def pictures() -> None:
    """Load a photo, or a picture from the camera, onto the canvas."""
    state = canvas_state.of(st.session_state)
    st.subheader("Or start from a picture")
    uploaded, camera = st.tabs(["Photo or scan", "Camera"])
    files = [
        uploaded.file_uploader(
            "A photo or scan of a digit or a number",
            key="photo",
            type=[
                "png",
                "jpg",
                "jpeg",
                "webp",
                "heic",
                "heif",
                "gif",
                "tif",
                "tiff",
                "bmp",
                "avif",
            ],
            max_upload_size=20,  # MB
        ),
        camera.camera_input("Hold a digit up to the camera", key="camera-photo")
        if camera.toggle("Use the camera", key="use-camera")
        else None,
    ]
    for file in files:
        if file is not None and state.is_new(file.file_id):
            try:
                state.load_picture(read_photo(file.getvalue()))
            except MnistError as error:
                st.error(str(error))
            else:
                st.rerun()
