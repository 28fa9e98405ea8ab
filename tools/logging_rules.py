"""The HTTP rules of Cloud Logging's methods, which its package for Python doesn't have (it calls gRPC only).

Google Cloud, "Cloud Logging API v2" (https://cloud.google.com/logging/docs/reference/v2/rest): each method's page
says verb and path. Projects, organizations, folders and billing accounts have the same paths.
"""

from __future__ import annotations

from typing import Final

from google.api import http_pb2

_HOLDER: Final = "*/*"
_LOCATION: Final = "*/*/locations/*"
_BUCKET: Final = "*/*/locations/*/buckets/*"

# By method: verb, path below /v2 and body.
RULES: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "DeleteLog": (("delete", "{log_name=*/*/logs/*}", ""),),
    "WriteLogEntries": (("post", "entries:write", "*"),),
    "ListLogEntries": (("post", "entries:list", "*"),),
    "ListMonitoredResourceDescriptors": (("get", "monitoredResourceDescriptors", ""),),
    "ListLogs": (
        ("get", f"{{parent={_HOLDER}}}/logs", ""),
        ("get", f"{{parent={_BUCKET}/views/*}}/logs", ""),
    ),
    "TailLogEntries": (("post", "entries:tail", "*"),),
    "ListBuckets": (("get", f"{{parent={_LOCATION}}}/buckets", ""),),
    "GetBucket": (("get", f"{{name={_BUCKET}}}", ""),),
    "CreateBucketAsync": (("post", f"{{parent={_LOCATION}}}/buckets:createAsync", "bucket"),),
    "UpdateBucketAsync": (("post", f"{{name={_BUCKET}}}:updateAsync", "bucket"),),
    "CreateBucket": (("post", f"{{parent={_LOCATION}}}/buckets", "bucket"),),
    "UpdateBucket": (("patch", f"{{name={_BUCKET}}}", "bucket"),),
    "DeleteBucket": (("delete", f"{{name={_BUCKET}}}", ""),),
    "UndeleteBucket": (("post", f"{{name={_BUCKET}}}:undelete", "*"),),
    "ListViews": (("get", f"{{parent={_BUCKET}}}/views", ""),),
    "GetView": (("get", f"{{name={_BUCKET}/views/*}}", ""),),
    "CreateView": (("post", f"{{parent={_BUCKET}}}/views", "view"),),
    "UpdateView": (("patch", f"{{name={_BUCKET}/views/*}}", "view"),),
    "DeleteView": (("delete", f"{{name={_BUCKET}/views/*}}", ""),),
    "ListSinks": (("get", f"{{parent={_HOLDER}}}/sinks", ""),),
    "GetSink": (("get", "{sink_name=*/*/sinks/*}", ""),),
    "CreateSink": (("post", f"{{parent={_HOLDER}}}/sinks", "sink"),),
    "UpdateSink": (("put", "{sink_name=*/*/sinks/*}", "sink"), ("patch", "{sink_name=*/*/sinks/*}", "sink")),
    "DeleteSink": (("delete", "{sink_name=*/*/sinks/*}", ""),),
    "CreateLink": (("post", f"{{parent={_BUCKET}}}/links", "link"),),
    "DeleteLink": (("delete", f"{{name={_BUCKET}/links/*}}", ""),),
    "ListLinks": (("get", f"{{parent={_BUCKET}}}/links", ""),),
    "GetLink": (("get", f"{{name={_BUCKET}/links/*}}", ""),),
    "ListExclusions": (("get", f"{{parent={_HOLDER}}}/exclusions", ""),),
    "GetExclusion": (("get", "{name=*/*/exclusions/*}", ""),),
    "CreateExclusion": (("post", f"{{parent={_HOLDER}}}/exclusions", "exclusion"),),
    "UpdateExclusion": (("patch", "{name=*/*/exclusions/*}", "exclusion"),),
    "DeleteExclusion": (("delete", "{name=*/*/exclusions/*}", ""),),
    "GetCmekSettings": (("get", f"{{name={_HOLDER}}}/cmekSettings", ""),),
    "UpdateCmekSettings": (("patch", f"{{name={_HOLDER}}}/cmekSettings", "cmek_settings"),),
    "GetSettings": (("get", f"{{name={_HOLDER}}}/settings", ""),),
    "UpdateSettings": (("patch", f"{{name={_HOLDER}}}/settings", "settings"),),
    "CopyLogEntries": (("post", "entries:copy", "*"),),
    "ListLogMetrics": (("get", "{parent=projects/*}/metrics", ""),),
    "GetLogMetric": (("get", "{metric_name=projects/*/metrics/*}", ""),),
    "CreateLogMetric": (("post", "{parent=projects/*}/metrics", "metric"),),
    "UpdateLogMetric": (("put", "{metric_name=projects/*/metrics/*}", "metric"),),
    "DeleteLogMetric": (("delete", "{metric_name=projects/*/metrics/*}", ""),),
}


def logging_rules() -> dict[str, list[http_pb2.HttpRule]]:
    """Return the rules by method."""
    return {
        name: [http_pb2.HttpRule(**{verb: f"/v2/{path}"}, body=body) for verb, path, body in rules]
        for name, rules in RULES.items()
    }
