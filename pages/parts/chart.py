"""A chart in the style of the app: no tools until touched, saved in the format that was chosen."""

import streamlit as st


def chart(figure, key: str, **options) -> None:
    """Show a figure whose button saves it in the format chosen in its menu."""
    save = {"format": st.session_state.get("format", "PNG").lower(), "scale": 2, "filename": key}
    hidden = ["select2d", "lasso2d", "zoom2d", "pan2d", "autoScale2d", "zoomIn2d", "zoomOut2d"]
    config = {
        "displaylogo": False,
        "displayModeBar": "hover",
        "toImageButtonOptions": save,
        "modeBarButtonsToRemove": [*hidden, "resetScale2d"],
    }
    st.plotly_chart(figure, key=key, config=config, **options)


def choose_format() -> None:
    """Let the visitor choose what a chart is saved as."""
    st.segmented_control("The camera in a chart saves it as", ["PNG", "SVG"], default="PNG",
                         key="format")  # fmt: skip
