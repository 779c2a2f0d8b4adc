"""HTTP beside Streamlit: what reads a drawing, and what a room's phones and wall ask for."""
