FROM python:3.11-slim

# Streamlit's page empties itself when a machine of another name answers than before. All copies
# of this image have one name, so a visitor's canvas stays when another copy takes over.
RUN echo 6472617761646967697464726177616d > /etc/machine-id \
    && useradd --create-home --uid 1000 app \
    && install -d -o app -g app /artifacts
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY --chown=app . .

USER app
ENV STREAMLIT_SERVER_PORT=8501 \
    STREAMLIT_SERVER_HEADLESS=true
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", \
    "from os import environ as e; from urllib.request import urlopen; urlopen(f'http://127.0.0.1:{e[\"STREAMLIT_SERVER_PORT\"]}/_stcore/health', timeout=2)"]
CMD ["streamlit", "run", "app.py"]
