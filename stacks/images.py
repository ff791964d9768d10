"""The prebuilt images of AWS, and the registry that holds them in each region.

Source: `sagemaker/core/image_uri_config/{sklearn,xgboost}.json` of sagemaker-core 2.27.0, read in November
2026; a test compares them. The table is ours because the SDK takes seconds to import and refuses a region
that is known only at deploy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.errors import SettingsError, VersionMismatch
from training.artifact import Artifact

_ACCOUNTS = """
af-south-1     510948584623   ap-east-1      651117190479   ap-northeast-1 354813040037
ap-northeast-2 366743142698   ap-northeast-3 867004704886   ap-south-1     720646828776
ap-south-2     628508329040   ap-southeast-1 121021644041   ap-southeast-2 783357654285
ap-southeast-3 951798379941   ap-southeast-4 106583098589   ca-central-1   341280168497
ca-west-1      190319476487   cn-north-1     450853457545   cn-northwest-1 451049120500
eu-central-1   492215442770   eu-central-2   680994064768   eu-north-1     662702820516
eu-south-1     978288397137   eu-south-2     104374241257   eu-west-1      141502667606
eu-west-2      764974769150   eu-west-3      659782779980   il-central-1   898809789911
me-central-1   272398656194   me-south-1     801668240914   sa-east-1      737474898029
us-east-1      683313688378   us-east-2      257758044811   us-gov-east-1  237065988967
us-gov-west-1  414596584902   us-iso-east-1  833128469047   us-isob-east-1 281123927165
us-isof-east-1 108575199400   us-isof-south-1 124985052026   us-west-1      746614075791
us-west-2      246618743249
"""


@dataclass(frozen=True)
class PrebuiltImage:
    """A container image that AWS publishes, one registry a region."""

    setting: str
    """What `[serve] image` and `[model] framework` call it."""
    library: str
    """The library inside that a model must have been trained with."""
    library_version: str
    file: str
    """The file of the archive that the image loads."""
    loads_all: bool
    """Whether it takes every file at the archive's top for a model."""
    repository: str
    tag: str
    accounts: Mapping[str, str]
    """The account of the registry, by region."""

    def published_in(self, region: str | None) -> bool:
        """Return whether AWS publishes it in a region; None is one that is known only at deploy."""
        return region is None or region in self.accounts

    def require_region(self, region: str | None) -> None:
        """Refuse a region without this image; None is a region that is known only at deploy.

        Raises:
            SettingsError: AWS publishes no such image there.
        """
        if not self.published_in(region):
            raise SettingsError(
                f"AWS publishes no {self.library} image in {region}.",
                why=f"It does in: {', '.join(sorted(self.accounts))}.",
                fix="Choose one of these as region in stages.toml.",
            )

    def require_library(self, artifact: Artifact) -> None:
        """Refuse a model without the file that the image loads, or of another version of its library.

        A pickle of one scikit-learn that another one loads may fail, or predict something else in silence; a
        Booster of a newer XGBoost may not be read at all.

        Raises:
            SettingsError: the model was never a file of the library, or there are others that are none.
            VersionMismatch: the versions differ.
        """
        if self.file not in artifact.manifest["files"]:
            raise SettingsError(
                f"model_code/{artifact.model}/model.toml: serve.image = {self.setting!r} is not allowed.",
                why=f"{artifact.model} {artifact.version} has no {self.file}, which is what AWS's image "
                "loads: it was made in another form.",
                fix='Set image = "own".',
            )
        others = [name for name in artifact.manifest["files"] if "/" not in name and name != self.file]
        if self.loads_all and others:
            raise SettingsError(
                f"model_code/{artifact.model}/model.toml: serve.image = {self.setting!r} is not allowed.",
                why=f"{artifact.model} {artifact.version} has {', '.join(others)} beside {self.file}, and "
                "AWS's image takes every file at the top for a model.",
                fix=f"Run: slipway train {artifact.model}",
            )
        trained_with = str(artifact.manifest["versions"].get(self.library))
        if trained_with != self.library_version:
            raise VersionMismatch(
                f"{artifact.model} {artifact.version} was trained with {self.library} "
                f"{trained_with}, and {self.repository}:{self.tag} has {self.library_version}.",
                why="A model file is only safe to load with the version that wrote it.",
                fix=f"Install {self.library}=={self.library_version} (make setup) and run: "
                f"slipway train {artifact.model}",
            )


def _table(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


_REGISTRIES = _table(_ACCOUNTS)
SKLEARN = PrebuiltImage(
    setting="sklearn",
    library="scikit-learn",
    library_version="1.9.0",
    file="model.joblib",
    loads_all=False,
    repository="sagemaker-scikit-learn",
    tag="1.9-0-cpu-py3",
    accounts=_REGISTRIES,
)
XGBOOST = PrebuiltImage(
    setting="xgboost",
    library="xgboost",
    library_version="3.2.0",
    file="xgboost-model",
    loads_all=True,
    repository="sagemaker-xgboost",
    tag="3.2-0",
    accounts=_REGISTRIES,
)
PREBUILT: Mapping[str, PrebuiltImage] = {image.setting: image for image in (SKLEARN, XGBOOST)}
