"""The prebuilt scikit-learn image of AWS, and the registry that holds it in each region.

Source: `sagemaker/core/image_uri_config/sklearn.json` of sagemaker-core 2.27.0, read in November 2026; a test
compares the two. The table is ours because the SDK takes seconds to import and refuses a region that is known
only at deploy.
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

    library: str
    """The library inside that a model must have been trained with."""
    library_version: str
    repository: str
    tag: str
    accounts: Mapping[str, str]
    """The account of the registry, by region."""

    def require_region(self, region: str | None) -> None:
        """Refuse a region without this image; None is a region that is known only at deploy.

        Raises:
            SettingsError: AWS publishes no such image there.
        """
        if region is not None and region not in self.accounts:
            raise SettingsError(
                f"AWS publishes no {self.library} image in {region}.",
                why=f"It does in: {', '.join(sorted(self.accounts))}.",
                fix="Choose one of these as region in stages.toml.",
            )

    def require_library(self, artifact: Artifact) -> None:
        """Refuse a model without the file that the image loads, or of another version of its library.

        A pickle of one scikit-learn that another one loads may fail, or predict something else in silence.

        Raises:
            SettingsError: the model was never a file of the library.
            VersionMismatch: the versions differ.
        """
        if not artifact.has_joblib:
            raise SettingsError(
                f"model_code/{artifact.model}/model.toml: serve.image = 'sklearn' is not allowed.",
                why=f"{artifact.model} {artifact.version} has no model.joblib, which is what AWS's image "
                "loads: it was imported in another form.",
                fix='Set image = "own".',
            )
        if artifact.scikit_learn != self.library_version:
            raise VersionMismatch(
                f"{artifact.model} {artifact.version} was trained with {self.library} "
                f"{artifact.scikit_learn}, and {self.repository}:{self.tag} has {self.library_version}.",
                why="A model file is only safe to load with the version that wrote it.",
                fix=f"Install {self.library}=={self.library_version} (make setup) and run: "
                f"slipway train {artifact.model}",
            )


def _table(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


SKLEARN = PrebuiltImage(
    library="scikit-learn",
    library_version="1.9.0",
    repository="sagemaker-scikit-learn",
    tag="1.9-0-cpu-py3",
    accounts=_table(_ACCOUNTS),
)
