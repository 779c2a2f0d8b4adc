"""Draw a digit; a dense network and a CNN read it side by side, after every stroke."""

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from mnist_core import answer_view, canvas_state, registry
from mnist_core.answer_view import SLOT_COLOURS, crisp_image, data_url
from mnist_core.errors import BlankDrawing, MnistError
from mnist_core.examples import examples
from mnist_core.inference import Answer, ClassifierPool
from mnist_core.photo import read_photo
from mnist_core.preprocessing import Steps, preprocess
from mnist_core.strokes import CANVAS_SIZE_PX

TITLES = {"dense": "Dense network", "cnn": "Convolutional network"}
LOADING_WAIT_S = 0.3
INK, PAPER = "#FFFFFF", "#000000"
# Room for the canvas's own tools above it; all of it fits a phone 360 px wide.
STYLE = """<style>
.stMainBlockContainer {padding-top: 4rem}
.st-key-canvas {padding-top: 1.4rem; width: 336px}
.st-key-answer-dense, .st-key-answer-cnn {min-width: 9.5rem; flex: 1 1 0}
@media (max-width: 640px) {
  .stMainBlockContainer {padding-left: .65rem; padding-right: .65rem}
  .stMainBlockContainer h1 {font-size: 1.5rem; padding: 0}
}
</style>"""

pool = st.cache_resource(ClassifierPool)
example_row = st.cache_resource(examples)
active_models = st.cache_data(ttl=2, show_spinner=False)(registry.active_with_reasons)


def canvas() -> dict | None:
    """Show the canvas and its buttons; return what was drawn, as the canvas records it."""
    state = canvas_state.of(st.session_state)
    with st.container(key="canvas"):
        result = st_canvas(
            stroke_width=st.session_state.get("brush_px", 18),
            stroke_color=INK,
            background_color=PAPER,
            width=CANVAS_SIZE_PX,
            height=CANVAS_SIZE_PX,
            initial_drawing=state.initial,
            return_image_data=True,
            key=f"canvas-{state.version}",
        )
    picture = result.image_data
    state.see(result.json_data)
    buttons = st.container(horizontal=True)
    for label, icon, action, possible in (
        ("Undo", ":material/undo:", state.undo, state.objects),
        ("Redo", ":material/redo:", state.redo, state.undone),
        ("Clear", ":material/delete:", state.clear, state.objects),
    ):
        buttons.button(label, icon=icon, key=label.lower(), on_click=action, disabled=not possible)
    st.slider("Brush width (pixels)", 8, 32, 18, key="brush_px")
    if not state.objects:
        return None
    return canvas_state.render(state.objects) if picture is None else picture


@st.fragment(run_every=1)
def answer_when_ready(name: str) -> None:
    """Ask now and then whether a network has been loaded; answer as soon as it has."""
    if pool().request(name).done():
        st.rerun()


def network_answer(slot: str, image) -> Answer | None:
    """Show what one network says; return its answer, or None while there is none."""
    name, reason = active_models()[slot]
    loading = pool().request(name)
    with st.container(border=True, key=f"answer-{slot}"):
        try:
            classifier = loading.result(LOADING_WAIT_S)
        except TimeoutError:
            st.info("This network is still loading; the canvas is ready, keep drawing.")
            answer_when_ready(name)
            return None
        except MnistError as error:
            st.error(str(error))
            return None
        answer = classifier.answer(image)
        st.html(answer_view.large_digit(answer))
        st.markdown(f"**{TITLES[slot]}**" + (f" · run `{name}`" if name != slot else ""))
        doubt = answer_view.doubt(answer)
        if doubt and answer.is_digit:
            st.warning(doubt, icon=":material/help:")
        elif doubt:
            st.warning(f"{doubt} {answer_view.reason(classifier, answer)}", icon=":material/block:")
        st.html(answer_view.probability_bars(answer.probabilities, SLOT_COLOURS[slot]))
        if reason:
            st.caption(reason)
    return answer


def agreement(answers: dict[str, Answer | None], steps_seconds: float) -> None:
    """Say whether the networks agree, and how long it all took."""
    dense, cnn = answers["dense"], answers["cnn"]
    if dense is None or cnn is None:
        return
    total_ms = (steps_seconds + dense.seconds + cnn.seconds) * 1000
    if not dense.is_digit and not cnn.is_digit:
        verdict = ":material/block: Both say that this is no digit."
    elif dense.digit == cnn.digit:
        verdict = f":material/check_circle: Both read a **{cnn.digit}**."
    else:
        verdict = (
            f":material/compare_arrows: They disagree: **{dense.digit}** against **{cnn.digit}**."
        )
    st.markdown(f"{verdict} :gray[Answered in {total_ms:.1f} ms.]")


def network_input(steps: Steps) -> None:
    """Show the 28x28 image that the networks read, and how the drawing became it."""
    st.subheader("What the networks see")
    rows, columns = steps.scaled.shape
    parts = [
        ("1 · Ink found", steps.ink, "Whatever differs from the background is ink."),
        ("2 · Cropped", steps.cropped, "Only the box around the ink counts, not its place."),
        (
            "3 · Scaled",
            steps.scaled,
            f"The longer side becomes 20 pixels: {columns} x {rows} here.",
        ),
    ]
    large, *small = st.columns([2, 1, 1, 1])
    with large.container(key="network-input"):
        st.html(crisp_image(steps.image, "252px", "The 28 by 28 image that the networks read"))
        st.caption(
            "**4 · Centred** by its centre of mass in 28 x 28 pixels, as MNIST's digits are."
        )
        st.download_button(
            "Download 28x28 PNG",
            data=lambda: answer_view.png_bytes(steps.image),
            file_name="digit-28x28.png",
            mime="image/png",
            icon=":material/download:",
        )
    for column, (title, image, words) in zip(small, parts, strict=True):
        with column:
            st.html(crisp_image(image, "120px", title))
            st.caption(f"**{title}.** {words}")


def strip() -> None:
    """Show this visit's drawings and what each network said."""
    seen = canvas_state.of(st.session_state).strip
    if not seen:
        return
    st.subheader("Your drawings of this visit")
    cells = [
        '<div style="text-align:center;line-height:1.3">'
        f'<img alt="A drawing of this visit" src="{entry.picture}" '
        'style="width:64px;image-rendering:pixelated;border-radius:.3rem;display:block">'
        f'<b style="color:{SLOT_COLOURS["dense"]}">{entry.dense}</b> · '
        f'<b style="color:{SLOT_COLOURS["cnn"]}">{entry.cnn}</b></div>'
        for entry in reversed(seen)
    ]
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:.6rem">{"".join(cells)}</div>')
    st.caption("Dense network left (orange), convolutional network right (blue).")


@st.fragment
def read_drawing() -> None:
    """The canvas and everything that follows from it; reruns alone after a stroke."""
    left, right = st.columns([5, 8], gap="medium")
    with left:
        picture = canvas()
    with right:
        try:
            if picture is None:
                raise BlankDrawing("nothing drawn yet")
            steps = preprocess(picture)
        except BlankDrawing:
            st.markdown(
                "### Draw a digit, 0 to 9\nWith mouse, pen or finger. Two networks answer "
                "after every stroke: one sees 784 numbers, the other a picture."
            )
            for slot in registry.SLOTS:
                pool().request(active_models()[slot][0])
        else:
            show_answers(steps)
    strip()


def show_answers(steps: Steps) -> None:
    """Show both answers, whether they agree, and what led to them."""
    side_by_side = st.container(horizontal=True)
    answers = {}
    for slot in registry.SLOTS:
        with side_by_side:
            answers[slot] = network_answer(slot, steps.image)
    agreement(answers, steps.seconds)
    canvas_state.of(st.session_state).remember(data_url(steps.image), answers)
    network_input(steps)


def other_ways() -> None:
    """Load an example, a photo, or a picture from the camera onto the canvas."""
    state = canvas_state.of(st.session_state)
    st.subheader("Or start from something")
    row = st.container(horizontal=True, key="examples")
    for index, example in enumerate(example_row()):
        label = "♥" if example.label is None else str(example.label)
        row.button(
            label,
            key=f"example-{index}",
            help=f"Example: {example.name}",
            on_click=state.load_strokes,
            args=(example.strokes,),
        )
    uploaded, camera = st.tabs(["Photo or scan", "Camera"])
    files = [
        uploaded.file_uploader(
            "A photo or scan of one digit (PNG, JPEG, WebP)",
            key="photo",
            type=["png", "jpg", "jpeg", "webp"],
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


given = st.session_state.pop("draw_image", None)
if given is not None:
    canvas_state.of(st.session_state).load_image(given["image"])
    st.toast(f"On the canvas: {given['caption']}")
canvas_state.of(st.session_state).arrive()
st.html(STYLE)
st.title("Draw a digit")
read_drawing()
other_ways()
