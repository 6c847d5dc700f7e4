# The server of an exported model: ONNX Runtime and no TensorFlow, less than 400 MB.
#   docker build -t product-classification .
#   docker run -p 8020:8020 -e PRODUCT_CLASSIFICATION_TOKEN=… -v ./results:/app/results:ro product-classification
FROM python:3.13-slim AS build
WORKDIR /src
# the group of dependencies needs this version at least
RUN pip install --no-cache-dir "pip>=25.1"
RUN python -m venv --without-pip /venv
COPY pyproject.toml requirements.txt ./
# requirements.txt has the tested versions
RUN pip --python /venv install --no-cache-dir --constraint requirements.txt --group onnx-server
COPY README.md LICENSE ./
COPY pipeline pipeline
COPY model model
RUN pip --python /venv install --no-cache-dir --no-deps .

FROM python:3.13-slim
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
EXPOSE 8020
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8020/healthz', timeout=3)"]
ENTRYPOINT ["python", "-m", "model.serve", "--engine", "onnx", "--host", "0.0.0.0"]
CMD ["--watch"]
