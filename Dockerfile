# syntax=docker/dockerfile:1

# One file, an image for each service: docker build --target order . and so on. The last one is the default.
FROM node:24-slim AS manifests
WORKDIR /app
COPY package.json package-lock.json ./
COPY shared/kernel/package.json shared/kernel/
COPY shared/contracts/package.json shared/contracts/
COPY shared/event-bus/package.json shared/event-bus/
COPY shared/event-store/package.json shared/event-store/
COPY shared/http/package.json shared/http/
COPY shared/service/package.json shared/service/
COPY shared/servers/package.json shared/servers/
COPY shared/testing/package.json shared/testing/
COPY services/events/package.json services/events/
COPY services/order/package.json services/order/
COPY services/inventory/package.json services/inventory/
COPY services/user/package.json services/user/
COPY services/analytics/package.json services/analytics/
COPY services/notification/package.json services/notification/
COPY services/payment/package.json services/payment/
COPY cli/package.json cli/
COPY cli/bin cli/bin
COPY mail-catcher/package.json mail-catcher/

FROM manifests AS build
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build \
  && mkdir /out \
  && find shared services \( -name dist -o -name templates \) -type d -prune -exec cp --parents --recursive {} /out \;

FROM manifests AS modules
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  --workspace services/order --workspace services/inventory --workspace services/user --workspace services/analytics \
  --workspace services/notification --workspace services/payment

FROM node:24-slim AS runtime
ENV NODE_ENV=production
WORKDIR /app
COPY --from=modules /app ./
COPY --from=build /out ./
USER node

FROM runtime AS inventory
EXPOSE 3002
CMD ["node", "--enable-source-maps", "services/inventory/dist/main.js"]

FROM runtime AS user
EXPOSE 3003
CMD ["node", "--enable-source-maps", "services/user/dist/main.js"]

FROM runtime AS analytics
EXPOSE 3006
CMD ["node", "--enable-source-maps", "services/analytics/dist/main.js"]

FROM runtime AS notification
EXPOSE 3005
CMD ["node", "--enable-source-maps", "services/notification/dist/main.js"]

FROM runtime AS payment
EXPOSE 3004
CMD ["node", "--enable-source-maps", "services/payment/dist/main.js"]

FROM runtime AS order
EXPOSE 3001
CMD ["node", "--enable-source-maps", "services/order/dist/main.js"]
