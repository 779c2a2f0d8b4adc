"""Files that are made when somebody asks for them."""

from pathlib import PurePosixPath
from types import SimpleNamespace

import pytest
from streamlit import runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pages.parts import download


@pytest.mark.parametrize(
    ("least_bytes", "kept"), [(0, download.KEPT), (download.LARGE_BYTES, download.KEPT_LARGE)]
)
def test_a_file_outlives_other_visitors_scripts_until_others_were_made(
    monkeypatch, least_bytes, kept
):
    storage = MemoryMediaFileStorage("/media")
    files = MediaFileManager(storage)
    monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(media_file_mgr=files))

    def pressed(text: str) -> str:
        offered = files.add_deferred(
            lambda: download.kept(lambda: text.ljust(least_bytes), "some.txt", "text/plain"),
            "text/plain", "here", "some.txt",
        )  # fmt: skip
        made = PurePosixPath(files.execute_deferred(offered)).name
        for _ in range(3):  # a script of any visitor ends
            files.remove_orphaned_files()
        return made

    first = pressed("0")
    assert storage.get_file(first).content.strip() == b"0"
    for number in range(kept):
        pressed(f"another, {number}")
    with pytest.raises(MediaFileStorageError):
        storage.get_file(first)
