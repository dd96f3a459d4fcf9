#!/usr/bin/env bash
# Installs the original tools, each in an environment of its own: `bash benchmarks/peers/make.sh FOLDER [NAME...]`.
# Their requirements exclude each other and ours. Needs Python 3.11 (PYTHON=... for another path) and a few minutes.
# Then: python benchmarks/run_peers.py FOLDER
set -euo pipefail
folder=${1:?give a folder for the environments}
shift
names=("${@:-pyscenic decoupler rustscenic}")
python=${PYTHON:-python3.11}

requirements() {
    case $1 in
    # scikit-learn 1.2 is the last on which arboreto's stopping rule compares the same out-of-bag cells.
    pyscenic) echo "pyscenic==0.12.1 arboreto==0.1.6 ctxcore==0.2.0 numpy==1.23.5 pandas==1.5.3 scipy==1.10.1" \
        "scikit-learn==1.2.2 numba==0.58.1 dask==2023.3.2 distributed==2023.3.2 anndata==0.10.9 h5py==3.11.0" \
        "pyarrow==14.0.2 loompy==3.0.7 numexpr==2.10.1 networkx==3.2.1 setuptools<81 python-dateutil<3" ;;
    decoupler) echo "decoupler==2.2.0 scanpy pyarrow" ;;
    rustscenic) echo "rustscenic==0.5.1" ;;
    *) echo "unknown tool: $1 (known: pyscenic decoupler rustscenic)" >&2; exit 2 ;;
    esac
}

for name in ${names[*]}; do
    wanted=$(requirements "$name")
    "$python" -m venv --clear "$folder/$name"
    # shellcheck disable=SC2086  # one word per requirement
    "$folder/$name/bin/pip" install -q $wanted
    echo "$name: $folder/$name/bin/python"
done
