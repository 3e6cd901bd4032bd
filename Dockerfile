# Debian 12 with all that builds, runs and tests Vellum, for computers that have
# no Debian of their own; the tree itself comes from outside. How to use it:
# README.md, "In a container". GOALS=run makes an image of a quarter of the size.
FROM docker.io/library/debian:12
ARG GOALS="run test"
WORKDIR /usr/local/share/vellum
COPY packages.txt ./
COPY tools tools
RUN apt-get update && apt-get install -y --no-install-recommends git make
RUN sh tools/python.sh && python3 tools/setup.py $GOALS
# Whoever runs it has a number, but neither a name nor a home; and the tree has
# another owner.
RUN git config --system --add safe.directory '*'
ENV HOME=/tmp
WORKDIR /vellum
CMD ["bash"]
