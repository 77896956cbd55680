"""The resources of a shop on Azure, one function each, as plain values of an ARM template.

Source of the shapes: Azure-Samples/azure-functions-flex-consumption-samples, IaC/armtemplate/azuredeploy.json;
Azure/azure-resource-manager-schemas.
"""

from __future__ import annotations

from collections.abc import Sequence

from kramik.hosts.azure.appsettings import STORAGE, AppSetting
from kramik.hosts.azure.bill import PlanName
from kramik.hosts.azure.target import Version

Resource = dict[str, object]

PACKAGES = "app-package"

VERSIONS = {
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/metricAlerts": "2018-03-01",
    "Microsoft.KeyVault/vaults": "2023-07-01",
    "Microsoft.OperationalInsights/workspaces": "2023-09-01",
    "Microsoft.Storage/storageAccounts": "2024-01-01",
    "Microsoft.Web/serverfarms": "2024-04-01",
    "Microsoft.Web/sites": "2024-04-01",
    "Microsoft.Web/staticSites": "2024-04-01",
}
"""The API version of each provider's type; children have that of their parent."""

VAULT_SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
"""The role "Key Vault Secrets User".

Source: MicrosoftDocs/azure-docs, articles/role-based-access-control/built-in-roles.md.
"""


def resource(kind: str, name: str, /, **rest: object) -> Resource:
    """Return a resource with its pinned API version."""
    family = "/".join(kind.split("/")[:2])
    return {"type": kind, "apiVersion": VERSIONS[family], "name": name, **rest}


def identity(kind: str, *names: str) -> str:
    """Return the expression of a resource's id, as `dependsOn` wants it."""
    return f"[{bare(kind, *names)}]"


def bare(kind: str, *names: str) -> str:
    """Return that expression without its brackets, to stand inside another one."""
    return f"resourceId('{kind}', {', '.join(names)})"


def storage(*, queues: Sequence[str], tables: Sequence[str], containers: Sequence[str]) -> list[Resource]:
    """Return the storage account with everything in it."""
    account = "Microsoft.Storage/storageAccounts"
    children = (
        ("queueServices", "queues", queues),
        ("tableServices", "tables", tables),
        ("blobServices", "containers", containers),
    )
    above = [identity(account, "variables('storage')")]
    properties = {
        "accessTier": "Hot",
        "allowBlobPublicAccess": False,
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
    }
    found = [
        resource(
            account,
            "[variables('storage')]",
            location="[parameters('location')]",
            kind="StorageV2",
            sku={"name": "Standard_LRS"},
            properties=properties,
        )
    ]
    for service, kind, names in children:
        for name in names:
            path = f"[concat(variables('storage'), '/default/{name}')]"
            found.append(resource(f"{account}/{service}/{kind}", path, dependsOn=above))
    return found


def hosting(plan: PlanName) -> Resource:
    """Return the plan: nothing runs on it while nobody asks."""
    sku = {"name": "FC1", "tier": "FlexConsumption"} if plan == "flex" else {"name": "Y1", "tier": "Dynamic"}
    return resource(
        "Microsoft.Web/serverfarms",
        "[variables('plan')]",
        location="[parameters('location')]",
        kind="functionapp" if plan == "flex" else "linux",
        sku=sku,
        properties={"reserved": True},
    )


def function_app(
    plan: PlanName, version: Version, settings: Sequence[AppSetting], *, vault: bool
) -> Resource:
    """Return the function app."""
    config: dict[str, object] = {
        "appSettings": [_setting(each, vault=vault) for each in settings if each.source != "deployment"],
        "ftpsState": "Disabled",
        "minTlsVersion": "1.2",
    }
    properties: dict[str, object] = {
        "httpsOnly": True,
        "serverFarmId": identity("Microsoft.Web/serverfarms", "variables('plan')"),
        "siteConfig": config,
    }
    above = [
        identity("Microsoft.Web/serverfarms", "variables('plan')"),
        identity("Microsoft.Storage/storageAccounts", "variables('storage')"),
    ]
    if plan == "flex":
        properties["functionAppConfig"] = _flex(version)
        path = ("variables('storage')", "'default'", f"'{PACKAGES}'")
        above.append(identity("Microsoft.Storage/storageAccounts/blobServices/containers", *path))
    else:
        config["linuxFxVersion"] = f"Python|{version}"
    if any(each.source == "insights" for each in settings):
        above.append(identity("Microsoft.Insights/components", "variables('insights')"))
    return resource(
        "Microsoft.Web/sites",
        "[parameters('appName')]",
        location="[parameters('location')]",
        kind="functionapp,linux",
        identity={"type": "SystemAssigned"},
        properties=properties,
        dependsOn=above,
    )


def static_site() -> Resource:
    """Return the static web app, whose files are uploaded by its own tool."""
    return resource(
        "Microsoft.Web/staticSites",
        "[variables('site')]",
        location="[parameters('siteLocation')]",
        sku={"name": "Free", "tier": "Free"},
        properties={},
    )


def vault(secrets: Sequence[str]) -> list[Resource]:
    """Return the key vault with the secrets, and the right of the app to read them."""
    kind, above = "Microsoft.KeyVault/vaults", [identity("Microsoft.KeyVault/vaults", "variables('vault')")]
    properties = {
        "enableRbacAuthorization": True,
        "sku": {"family": "A", "name": "standard"},
        "tenantId": "[subscription().tenantId]",
    }
    found = [
        resource(kind, "[variables('vault')]", location="[parameters('location')]", properties=properties)
    ]
    for name in secrets:
        path = f"[concat(variables('vault'), '/{secret_name(name)}')]"
        value = {"value": f"[parameters('{name}')]"}
        found.append(resource(f"{kind}/secrets", path, properties=value, dependsOn=above))
    return [*found, _reader()]


def secret_name(setting: str) -> str:
    """Return the name of a secret in the vault, which may have hyphens and no underscores."""
    return setting.replace("_", "-")


def _reader() -> Resource:
    vault_id = bare("Microsoft.KeyVault/vaults", "variables('vault')")
    app = bare("Microsoft.Web/sites", "parameters('appName')")
    role = bare("Microsoft.Authorization/roleDefinitions", f"'{VAULT_SECRETS_USER}'").replace(
        "resourceId", "subscriptionResourceId"
    )
    return resource(
        "Microsoft.Authorization/roleAssignments",
        f"[guid({vault_id}, {app}, '{VAULT_SECRETS_USER}')]",
        scope="[concat('Microsoft.KeyVault/vaults/', variables('vault'))]",
        properties={
            "principalId": f"[reference({app}, '{VERSIONS['Microsoft.Web/sites']}', 'Full').identity.principalId]",
            "principalType": "ServicePrincipal",
            "roleDefinitionId": f"[{role}]",
        },
        dependsOn=[f"[{vault_id}]", f"[{app}]"],
    )


def _flex(version: Version) -> dict[str, object]:
    account = bare("Microsoft.Storage/storageAccounts", "variables('storage')")
    blobs = f"reference({account}, '{VERSIONS['Microsoft.Storage/storageAccounts']}').primaryEndpoints.blob"
    return {
        "deployment": {
            "storage": {
                "type": "blobContainer",
                "value": f"[concat({blobs}, '{PACKAGES}')]",
                "authentication": {
                    "type": "StorageAccountConnectionString",
                    "storageAccountConnectionStringName": STORAGE,
                },
            }
        },
        "runtime": {"name": "python", "version": version},
        "scaleAndConcurrency": {"instanceMemoryMB": "[parameters('memory')]", "maximumInstanceCount": 40},
    }


def _setting(setting: AppSetting, *, vault: bool) -> dict[str, str]:
    return {"name": setting.name, "value": _value(setting, vault=vault)}


def _value(setting: AppSetting, *, vault: bool) -> str:
    if setting.source == "storage":
        account = bare("Microsoft.Storage/storageAccounts", "variables('storage')")
        version = VERSIONS["Microsoft.Storage/storageAccounts"]
        parts = (
            "'DefaultEndpointsProtocol=https;AccountName='",
            "variables('storage')",
            "';AccountKey='",
            f"listKeys({account}, '{version}').keys[0].value",
            "';EndpointSuffix='",
            "environment().suffixes.storage",
        )
        return f"[concat({', '.join(parts)})]"
    if setting.source == "insights":
        component = bare("Microsoft.Insights/components", "variables('insights')")
        return f"[reference({component}, '{VERSIONS['Microsoft.Insights/components']}').ConnectionString]"
    if setting.source == "secret" and vault:
        name = secret_name(setting.name)
        return f"[concat('@Microsoft.KeyVault(VaultName=', variables('vault'), ';SecretName={name})')]"
    return f"[parameters('{setting.name}')]" if setting.source == "secret" else setting.value
