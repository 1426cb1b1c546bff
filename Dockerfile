# am-session-proxy in a container: docker build -t am-session-proxy . (docs/recipes.md says how to run it)

FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts/build.mjs scripts/
COPY src src/
RUN npm run build

FROM node:24-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /build/node_modules node_modules/
COPY --from=build /build/dist dist/
# by number: Kubernetes cannot tell from a name that it is not root
USER 1000:1000
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/livez').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# no shell and no npm in between: signals reach node; the flags are explained in docs/performance.md
ENTRYPOINT ["node", "--heap-growing-percent=200", "--max-semi-space-size=8", "dist/cli.js"]
