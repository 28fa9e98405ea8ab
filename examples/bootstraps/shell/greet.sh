# A function in shell: greets whom the event names.

handler() {
    name=$(sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')
    echo "greeting $name" >&2
    if [ -z "$name" ]; then
        echo "there is no name"
        return 1
    fi
    printf '{"greeting": "Hello, %s"}' "$name"
}
