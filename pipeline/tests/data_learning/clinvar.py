"""ClinVar of October 2016 over the references that are at hand, as the configuration of a training.

clinvar.py SHARED WORK writes WORK/chr22.gff3, WORK/mt.gff3 and WORK/train.toml.

Genes of chromosome 22 and of the mitochondrion come as tables of exons with untranslated parts
(Ensembl, GRCh37); they are written as GFF3 here. BRCA1 has a GFF3 already.
"""

import csv
import gzip
import pathlib
import sys

SHARED, WORK = pathlib.Path(sys.argv[1]) / "data", pathlib.Path(sys.argv[2])
MODELS = SHARED / "gene_models" / "scout_ensembl"


def rows(path):
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else open(path)
    with opened as file:
        yield from csv.DictReader(file, delimiter="\t")


def number(text):
    return int(text) if text else None


def coding(exon):
    """What of an exon is translated, as a list of at most one interval."""
    start, end = int(exon["Exon region start (bp)"]), int(exon["Exon region end (bp)"])
    forward = exon["Strand"] == "1"
    five = number(exon["5' UTR start"]), number(exon["5' UTR end"])
    three = number(exon["3' UTR start"]), number(exon["3' UTR end"])
    left, right = (five, three) if forward else (three, five)
    if left[0] is not None:
        start = left[1] + 1
    if right[0] is not None:
        end = right[0] - 1
    return [(start, end)] if start <= end else []


def gff3(contig, target):
    genes = {
        row["Gene stable ID"]: row
        for row in rows(MODELS / "ensembl_genes_37_reduced.txt")
        if row["Chromosome/scaffold name"] == contig
    }
    transcripts = {}
    for row in rows(MODELS / "ensembl_exons_37_reduced.txt.gz"):
        if row["Chromosome/scaffold name"] == contig and row["Gene stable ID"] in genes:
            key = row["Gene stable ID"], row["Transcript stable ID"]
            transcripts.setdefault(key, []).append(row)
    # Genes of transfer RNA (MT-T.) are not translated.
    lines = ["##gff-version 3"]
    named = {}
    for gene, row in genes.items():
        if not any(own == gene for own, _ in transcripts):
            continue
        symbol = row["HGNC symbol"]
        named[gene] = symbol
        kind = "tRNA" if symbol.startswith("MT-T") else "protein_coding"
        strand = next(e[0]["Strand"] for (own, _), e in transcripts.items() if own == gene)
        strand = "+" if strand == "1" else "-"
        place = row["Gene start (bp)"], row["Gene end (bp)"], ".", strand, "."
        about = f"ID=gene:{gene};Name={symbol};biotype={kind};gene_id={gene}"
        lines.append("\t".join([contig, "ensembl", "gene", *place, about]))
        for (own, transcript), exons in transcripts.items():
            if own != gene:
                continue
            exons.sort(key=lambda exon: int(exon["Exon rank in transcript"]))
            start = min(int(exon["Exon region start (bp)"]) for exon in exons)
            end = max(int(exon["Exon region end (bp)"]) for exon in exons)
            about = (
                f"ID=transcript:{transcript};Parent=gene:{gene};biotype={kind};"
                f"transcript_id={transcript}"
            )
            what = "mRNA" if kind == "protein_coding" else "tRNA"
            place = str(start), str(end), ".", strand, "."
            lines.append("\t".join([contig, "ensembl", what, *place, about]))
            translated = 0
            for exon in exons:
                place = exon["Exon region start (bp)"], exon["Exon region end (bp)"]
                parent = f"Parent=transcript:{transcript}"
                lines.append("\t".join([contig, "ensembl", "exon", *place, ".", strand, ".", parent]))
                if kind != "protein_coding":
                    continue
                for first, last in coding(exon):
                    phase = (3 - translated % 3) % 3
                    translated += last - first + 1
                    about = f"ID=CDS:{transcript};{parent};protein_id={transcript}"
                    place = str(first), str(last), ".", strand, str(phase)
                    lines.append("\t".join([contig, "ensembl", "CDS", *place, about]))
    (WORK / target).write_text("\n".join(lines) + "\n")
    return named


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    gff3("22", "chr22.gff3")
    gff3("MT", "mt.gff3")
    clinvar = SHARED / "clinvar_gnomad" / "clinvar_grch37_2016-10-03.vcf.gz"
    brca1 = SHARED / "brca1_grch37_true_coords"
    data = [
        (brca1 / "chr17_brca1_sparse.fa.gz", "17:41196312-41277500", brca1 / "brca1_gencode19.gff3.gz"),
        (SHARED / "reference" / "grch37_chr22_1-22000000.fa.gz", "22:1-22000000", WORK / "chr22.gff3"),
        (SHARED / "reference" / "rCRS_chrM.fa", "MT", WORK / "mt.gff3"),
    ]
    text = """kind = "variant"
name = "clinvar-2016"
version = "1.0.0"
licence = "CC0-1.0"
intended_use = "To show how a variant model is trained and tested. Not for patients."
training_data = "ClinVar of 2016-10-03 (GRCh37) in BRCA1, in chr22:1-22,000,000 and on the mitochondrion: the parts of the genome whose reference was at hand."
seed = 1

[label]
field = "CLNSIG"
pathogenic = ["4", "5"]
benign = ["2", "3"]
gene = "GENE"

[encoding]
window = 41
k = 3
annotations = [
  "allele.is_snv", "allele.is_transition", "allele.is_insertion", "allele.is_deletion",
  "allele.length_change", "context.gc_fraction", "context.is_cpg", "context.homopolymer_run",
  "consequence.impact", "consequence.missense", "consequence.stop_gained",
  "consequence.frameshift", "consequence.synonymous", "consequence.splice_donor",
  "consequence.splice_acceptor", "consequence.intron", "consequence.non_coding_transcript_exon",
]

[split]
by = "gene"
folds = 5
"""
    for reference, region, models in data:
        text += f"""
[[data]]
vcf = "{clinvar}"
reference = "{reference}"
build = "GRCh37"
regions = ["{region}"]
gene_models = "{models}"
"""
    (WORK / "train.toml").write_text(text)


main()
