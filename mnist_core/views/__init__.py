"""Arrays and answers turned into HTML and Plotly figures, without Streamlit."""
