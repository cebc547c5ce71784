"""Words that the platform is known to use as members of its enums: they tell of no person and no task."""

from __future__ import annotations

_WORDS = """
ACTIVE DRAFT INACTIVE a2a access action active after agent agent_gateway_decision agentic_rag amazon_bedrock analysing
analyze anonymous anthropic api api_key approval_requested approval_required approved archive archived array
ask_execution ask_for_secret ask_user_questions assistant assistant_message audio auth_event basic bearer before
boolean canceled cancelled chunk classifier claude-code code codex coding_agent completed confirmation connected
container context_status continue_execution cookie create_execution curl custom custom_agent custom_function
custom_headers daily declined default deleted denied developer direct disabled document done draft email enabled error
error_message exchange executing expired external failed false finish-with-last finished fireworks forbidden
friendlyAI full function gated gateway gateway_steer_applied gemini get_executions_result google_ai_studio guardrail
harder header helicone high hourly huggingFace human_in_the_loop id image inactive inline_card integer invite_member
json list live_surface_created local local_tool login_required low managed manager markdown mcp medium member_invited
message nebius nim node_pointer none not_found not_supported null number oauth2 object ok open_router openai opencode
operation orchestration organization organizational original-input parallel path paused pdf pending personal
plan_updated process_state_changed process_update project query queued ready regular rejected remote resident
return-to-start router running sdk secret_saved self_schedule send_to_end sequence serverless session_created settled
slack sleeping source_node sse sso_user stdio stop_execution stopped storage streamable-http string sub_agent_trigger
sub_task_created sub_task_finished sub_task_updated success summarization summarizer system task task_compactization
task_created task_finished task_updated telegram text think timeout token_issue token_ready tool tool_call
tool_call_request tool_call_result tool_result true turn_finished turn_started unauthorized unknown user vanilla video
voice wait waiting webhook weekly workbench xhigh xpander xpsleep-agent-delay
"""

KNOWN_WORDS = frozenset(_WORDS.split())
"""The members of the enums of the SDK, of the published REST description, and those that were seen in answers."""
