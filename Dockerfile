# syntax=docker/dockerfile:1

# One image for every service, which is its argument: docker run … warren order

# What npm installs by, so that a change of the sources alone installs nothing.
FROM node:24-slim AS manifests
COPY . /src
RUN cd /src \
  && mkdir /manifests \
  && find . -name package.json -o -name package-lock.json | xargs cp --parents --target-directory=/manifests \
  && cp --parents --recursive cli/bin shared/testing/bin /manifests

FROM node:24-slim AS build
WORKDIR /app
COPY --from=manifests /manifests ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build \
  && mkdir /out \
  && find shared services \( -name dist -o -name templates \) -type d -prune -exec cp --parents --recursive {} /out \; \
  && cp --parents services/*/topology.json /out

FROM node:24-slim AS modules
WORKDIR /app
COPY --from=manifests /manifests ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund $(ls -d services/* | sed 's/^/--workspace /')

FROM node:24-slim AS runtime
ENV NODE_ENV=production
WORKDIR /app
COPY --from=modules /app ./
COPY --from=build /out ./
USER node
ENTRYPOINT ["sh", "-c", "exec node --enable-source-maps \"services/$0/dist/main.js\""]
CMD ["order"]
