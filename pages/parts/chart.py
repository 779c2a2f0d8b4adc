"""A chart whose button saves it in the format that the visitor chose."""

import streamlit as st


def chart(figure, key: str, **options) -> None:
    """Show a figure whose button saves it in the format chosen on this page."""
    save = {"format": st.session_state.get("format", "PNG").lower(), "scale": 2, "filename": key}
    hidden = ["select2d", "lasso2d", "zoom2d", "pan2d", "autoScale2d", "zoomIn2d", "zoomOut2d"]
    config = {
        "displaylogo": False,
        "displayModeBar": "tiles" not in key,
        "toImageButtonOptions": save,
        "modeBarButtonsToRemove": hidden,
    }
    st.plotly_chart(figure, key=key, config=config, **options)
