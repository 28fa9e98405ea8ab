"""The environment of a program whose SDKs have no endpoint set: what leads them here, and whom they trust there."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from fogbank.cli.running.credentials import STORE_PASSWORD, bundle, java_trust_store, service_account
from fogbank.cli.running.variables import variables
from fogbank.clouds.azure.identity.endpoints import DEFAULT_CLIENT, DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What goes past the proxy: the server itself and all else on this machine.
DIRECT: Final = ("localhost", "127.0.0.1", "::1", ".localhost")
# Who trusts what one file holds: OpenSSL (so Python's ssl, Go, Ruby), requests, botocore, curl, gRPC, httplib2 and so
# on; and Node.js, which adds a file to what it trusts already.
BUNDLES: Final = (
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "HTTPLIB2_CA_CERTS", "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", "PIP_CERT", "GIT_SSL_CAINFO", "NIX_SSL_CERT_FILE",
)  # fmt: skip
ADDED: Final = ("NODE_EXTRA_CA_CERTS", "DENO_CERT")
PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "grpc_proxy")
# Who a user is somewhere else must not get in the way.
REMOVED: Final = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "SSL_CERT_DIR")
# Where the user's own choice holds.
CHOICES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "GOOGLE_CLOUD_PROJECT", "AZURE_TENANT_ID")
_NODE_PROXY: Final = "NODE_USE_ENV_PROXY"


def environment(
    inherited: Mapping[str, str], url: str, proxy_port: int, authority: bytes, places: tuple[Path, Path]
) -> dict[str, str]:
    """Return the environment for a program.

    `places` are the user's folder, where a service account is kept, and one for what is the run's own.
    """
    kept, own = places
    own_authority = own / "authority.pem"
    own_authority.write_bytes(authority)
    trusted = str(bundle(authority, own))
    proxy = f"http://127.0.0.1:{proxy_port}"
    values = {
        **variables(url),
        "GOOGLE_APPLICATION_CREDENTIALS": str(service_account(kept)),
        "AZURE_TENANT_ID": DEFAULT_TENANT,
        "AZURE_CLIENT_ID": DEFAULT_CLIENT,
        "AZURE_CLIENT_SECRET": "fogbank",
        # There are credentials; nobody need ask whether this is a virtual machine.
        "AWS_EC2_METADATA_DISABLED": "true",
        "METADATA_SERVER_DETECTION": "none",
        "NO_GCE_CHECK": "true",
        **dict.fromkeys(PROXIES, proxy),
        **dict.fromkeys(BUNDLES, trusted),
        **dict.fromkeys(ADDED, str(own_authority)),
        _NODE_PROXY: "1",
        "FOGBANK_URL": url,
    }
    beside = [each for each in (inherited.get("NO_PROXY") or inherited.get("no_proxy") or "").split(",") if each]
    values["NO_PROXY"] = values["no_proxy"] = ",".join(dict.fromkeys([*DIRECT, *beside]))
    values["JAVA_TOOL_OPTIONS"] = " ".join(
        [inherited.get("JAVA_TOOL_OPTIONS", ""), *_java(proxy_port, java_trust_store(authority, own))]
    ).strip()
    preload = own / "proxy.cjs"
    preload.write_bytes(files("fogbank.cli.running").joinpath("node_proxy.cjs").read_bytes())
    values["NODE_OPTIONS"] = f'{inherited.get("NODE_OPTIONS", "")} --require "{preload}"'.strip()
    values.update({name: inherited[name] for name in CHOICES if inherited.get(name)})
    return {**{name: value for name, value in inherited.items() if name not in REMOVED}, **values}


def _java(proxy_port: int, store: Path) -> list[str]:
    return [
        *(
            f"-D{scheme}.proxy{what}"
            for scheme in ("http", "https")
            for what in ("Host=127.0.0.1", f"Port={proxy_port}")
        ),
        "-Dhttp.nonProxyHosts=localhost|127.*|[::1]|*.localhost",
        f"-Djavax.net.ssl.trustStore={store}",
        "-Djavax.net.ssl.trustStoreType=PKCS12",
        f"-Djavax.net.ssl.trustStorePassword={STORE_PASSWORD}",
    ]
