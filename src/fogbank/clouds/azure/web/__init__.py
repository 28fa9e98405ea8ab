"""Microsoft.Web: function apps as resources of Azure Resource Manager."""
