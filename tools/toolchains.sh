#!/bin/sh
# Finds, or installs with their ordinary clients, the tools that tests use beyond Python packages.
# Never fails: a test whose tool is missing says so itself.

have() { command -v "$1" >/dev/null 2>&1; }

have_postgres() { have initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }

install() {
    have apt-get || { echo "toolchains: $* missing, and there is no apt-get to install it"; return; }
    if [ "$(id -u)" = 0 ]; then sudo=; elif have sudo && sudo -n true 2>/dev/null; then sudo="sudo -n"; else
        echo "toolchains: $* missing, and installing it needs root"; return
    fi
    echo "toolchains: installing $*"
    $sudo apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "$@" >/dev/null ||
        echo "toolchains: could not install $*"
}

have_postgres || install postgresql
have node || install nodejs npm
have curl || install curl
have javac || install default-jdk-headless
have ruby || install ruby
have go || install golang-go

for js in "$@"; do
    if have npm && [ -f "$js/package-lock.json" ] && [ ! -f "$js/node_modules/.package-lock.json" ]; then
        (cd "$js" && npm ci --silent --no-audit --no-fund) || echo "toolchains: npm could not install $js"
    fi
done
exit 0
