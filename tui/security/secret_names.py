"""The fields of the platform's records that hold secrets and do not say so by a common name.

Found by going through all 805 fields of the 141 pydantic models of xpander-sdk 2.0.537, and its dataclasses; each with
where it stands there. `make interop` says when the SDK has a field that sounds secret and that nobody has judged.
Names in small letters, words joined by `_`; fields such as `api_key`, `access_token` or `client_secret` are known by
the patterns in masks.py.
"""

from __future__ import annotations

from typing import Final

FIELDS: Final = {
    "auth_value": "AIAgentConnectivityDetailsBase.auth_value: sent as the agent's token, Basic pair or key",
    "connection_uri": "DatabaseConnectionString.connection_uri, ConnectionURIResponse.uri: with its password",
    "curl_command": "AIAgentConnectivityDetailsCurl.curl_command: the command with its headers and passwords",
    "sso_fetch_key": "Task.payload_extension['sso_fetch_key'], read by mcp_oauth: fetches the user's tokens",
    "sso_token": "MCPServerDetails.sso_token: a mode in this version of the SDK, a token by its name",
}
"""Fields whose text is a secret, and all texts within them where they are objects or lists."""

HOLDERS: Final = {
    "auth": "MCP servers as agents keep them: what is under `auth` is what the server is given",
    "authorization": "the same, as requests name it",
    "cookies": "requests and answers of tools",
    "credentials": "tools and connectors",
    "custom_headers": "AIAgentConnectivityDetailsBase.custom_headers: sent to the agent, tokens among them",
    "env": "tools and MCP servers",
    "env_vars": "MCPServerDetails.env_vars: the environment an MCP server starts with",
    "extra_headers": "the argument that Agent.llm_extra_headers is handed to models in",
    "headers": "MCPServerDetails.headers, WebhookNotificationSettings.headers",
    "llm_extra_headers": "Agent.llm_extra_headers, OrchestrationClassifierNodeLLMSettings.llm_extra_headers",
    "secrets": "tools and connectors",
    "user_tokens": "Task.user_tokens: a token for each MCP server",
}
"""Objects that hold secrets under names of their own."""

MEMBERS: Final = {
    ("config", "contents"): "RuntimeEnvironment.config[].contents: files such as .npmrc, in which tokens stand",
    ("llm_credentials", "value"): "LLMCredentials.value: the key of a model provider",
    (
        "webhook",
        "url",
    ): "WebhookNotificationSettings.url, in on_success and on_error: who has it may post",
}
"""Fields that are secret in one object only: the name of the object, and the field."""

MEMBERS_OF: Final = {
    holder: frozenset(field for named, field in MEMBERS if named == holder)
    for holder in {named for named, _ in MEMBERS}
}
"""The same by the name of the object."""
