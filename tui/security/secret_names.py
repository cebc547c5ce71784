"""The fields of the platform's records that hold secrets although their names do not say so.

They come from a review of all 805 fields of the 141 pydantic models of xpander-sdk 2.0.537, and of its dataclasses;
each is listed with its place there. `make interop` reports fields of the SDK that sound secret and were not reviewed.
Names are in lower case, their words joined by `_`. Common names such as `api_key`, `access_token` or `client_secret`
are matched by the patterns in redact.py.
"""

from __future__ import annotations

from typing import Final

FIELDS: Final = {
    "auth_value": "AIAgentConnectivityDetailsBase.auth_value: sent as the agent's token, Basic pair or key",
    "connection_uri": "DatabaseConnectionString.connection_uri, ConnectionURIResponse.uri: with its password",
    "curl_command": "AIAgentConnectivityDetailsCurl.curl_command: the command with its headers and passwords",
    "sso_fetch_key": "Task.payload_extension['sso_fetch_key'], read by mcp_oauth: fetches the user's tokens",
    "sso_token": "MCPServerDetails.sso_token: a mode in this version of the SDK, but named as a token",
}
"""Fields whose text is a secret; where such a field is an object or a list, every text in it is one."""

HOLDERS: Final = {
    "auth": "MCP servers in an agent's record: `auth` is sent to the server",
    "authorization": "MCP servers in a request: as `auth`",
    "cookies": "requests and responses of tools",
    "credentials": "tools and connectors",
    "custom_headers": "AIAgentConnectivityDetailsBase.custom_headers: sent to the agent, tokens among them",
    "env": "tools and MCP servers",
    "env_vars": "MCPServerDetails.env_vars: the environment an MCP server starts with",
    "extra_headers": "the argument that passes Agent.llm_extra_headers to models",
    "headers": "MCPServerDetails.headers, WebhookNotificationSettings.headers",
    "llm_extra_headers": "Agent.llm_extra_headers, OrchestrationClassifierNodeLLMSettings.llm_extra_headers",
    "secrets": "tools and connectors",
    "user_tokens": "Task.user_tokens: a token for each MCP server",
}
"""Objects that hold secrets under arbitrary names, such as headers."""

MEMBERS: Final = {
    ("config", "contents"): "RuntimeEnvironment.config[].contents: files such as .npmrc, which contain tokens",
    ("llm_credentials", "value"): "LLMCredentials.value: the key of a model provider",
    (
        "webhook",
        "url",
    ): "WebhookNotificationSettings.url, in on_success and on_error: knowing it is enough to post",
}
"""Fields that are secret in one object only, as pairs: the name of the object, and the field."""

MEMBERS_OF: Final = {
    holder: frozenset(field for member_holder, field in MEMBERS if member_holder == holder)
    for holder in {member_holder for member_holder, _ in MEMBERS}
}
"""The secret fields of `MEMBERS`, by the name of their object."""
