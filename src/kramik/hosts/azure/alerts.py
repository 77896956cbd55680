"""The alert: a mail when the shop logs an error, which it does when an order is parked or nothing can be stored.

A metric alert on the count of error lines is the cheapest that Azure has; a query of the log costs five times as much.
Source: MicrosoftDocs/azure-docs, articles/azure-monitor/essentials/metrics-supported.md, microsoft.insights/components.
"""

from __future__ import annotations

from kramik.hosts.azure.resources import Resource, identity, resource

EVENTS = ("parked", "worker_died", "store_down", "notification_not_stored", "bug")
"""Events of the log that want a person; the function app logs them as errors."""

ERROR = "3"
"""The severity of an error line in Application Insights."""


def alerts() -> list[Resource]:
    """Return everything between a line of the log and a mail."""
    return [_workspace(), _insights(), _group(), _rule()]


def _workspace() -> Resource:
    return resource(
        "Microsoft.OperationalInsights/workspaces",
        "[variables('workspace')]",
        location="[parameters('location')]",
        # A shop logs a few kilobytes an order: the cap is for a loop that nobody expects.
        properties={
            "retentionInDays": 30,
            "sku": {"name": "PerGB2018"},
            "workspaceCapping": {"dailyQuotaGb": 1},
        },
    )


def _insights() -> Resource:
    workspace = identity("Microsoft.OperationalInsights/workspaces", "variables('workspace')")
    return resource(
        "Microsoft.Insights/components",
        "[variables('insights')]",
        location="[parameters('location')]",
        kind="web",
        properties={"Application_Type": "web", "WorkspaceResourceId": workspace},
        dependsOn=[workspace],
    )


def _group() -> Resource:
    receiver = {
        "emailAddress": "[parameters('alertEmail')]",
        "name": "shop",
        "useCommonAlertSchema": True,
    }
    return resource(
        "Microsoft.Insights/actionGroups",
        "[variables('people')]",
        location="global",
        properties={"emailReceivers": [receiver], "enabled": True, "groupShortName": "kramik"},
    )


def _rule() -> Resource:
    insights = identity("Microsoft.Insights/components", "variables('insights')")
    people = identity("Microsoft.Insights/actionGroups", "variables('people')")
    criterion = {
        "criterionType": "StaticThresholdCriterion",
        "dimensions": [{"name": "trace/severityLevel", "operator": "Include", "values": [ERROR]}],
        "metricName": "traces/count",
        "metricNamespace": "microsoft.insights/components",
        "name": "error lines",
        "operator": "GreaterThan",
        # Nothing was counted yet when the rule is made, and Azure would refuse a metric that it does not know.
        "skipMetricValidation": True,
        "threshold": 0,
        "timeAggregation": "Count",
    }
    return resource(
        "Microsoft.Insights/metricAlerts",
        "[variables('rule')]",
        location="global",
        properties={
            "actions": [{"actionGroupId": people}],
            "autoMitigate": True,
            "criteria": {
                "allOf": [criterion],
                "odata.type": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
            },
            "description": f"The shop logged one of: {', '.join(EVENTS)}. Look with: kramik orders list --state parked",
            "enabled": True,
            "evaluationFrequency": "PT5M",
            "scopes": [insights],
            "severity": 2,
            "windowSize": "PT15M",
        },
        dependsOn=[insights, people],
    )
