# The image of every app: docker build -t IMAGE . See docs/deployment.md.
# Without a shell in the image: --build-arg RUNTIME=gcr.io/distroless/nodejs24-debian12
ARG NODE=node:24-slim
ARG RUNTIME=${NODE}

FROM ${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY generated generated
COPY scripts scripts
COPY src src
# The server may read its code, and write into its volumes only.
RUN chmod -R a+rX,go-w /app && mkdir -p /volumes/config /volumes/data

FROM ${RUNTIME}
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="modular-monolith" \
      org.opencontainers.image.description="Self-contained services behind one gateway" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
# Distroless has Node in /nodejs/bin. The compile cache of Node is outside the code, which is read-only.
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/tmp/node-compile-cache \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/nodejs/bin
WORKDIR /app
COPY --from=build --chown=0:0 /app /app
COPY --from=build --chown=10001:10001 /volumes/ /
USER 10001:10001
EXPOSE 8000
# For the default port. The files of ./run.sh deploy have checks with the port of each app.
HEALTHCHECK --interval=10s --timeout=5s --start-period=600s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8000) + '/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node is process 1, so that it receives SIGTERM.
ENTRYPOINT []
CMD ["node", "--max-semi-space-size=32", "src/main.ts", "--config", "/config/config.yaml"]
