# Octet with the distribution's oneDNN. No RUN --mount and no heredocs, so that every builder can build it.
#
#   docker build -t octet .
#   docker run --rm octet demo
#   docker run --rm -v "$PWD/models:/models:ro" octet inspect /models/resnet50

FROM golang:1.26-trixie AS build
RUN apt-get update && apt-get install -y --no-install-recommends libdnnl-dev
WORKDIR /src
COPY . .
# A vendor folder in the context, if there is one, replaces the module downloads.
RUN CGO_ENABLED=1 go build -trimpath -ldflags "-s -w" -o /out/octet ./cmd/octet

FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends libdnnl3.6 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 octet
COPY --from=build /out/octet /usr/local/bin/octet
COPY --from=build /src/third_party/NOTICE /usr/local/share/doc/octet/NOTICE
COPY --from=build /src/testdata/demo /usr/local/share/octet/demo
ENV OCTET_DEMO=/usr/local/share/octet/demo
USER octet
WORKDIR /home/octet
ENTRYPOINT ["octet"]
CMD ["--help"]
