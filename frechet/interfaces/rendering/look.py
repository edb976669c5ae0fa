"""Style and script of HTML pages. Both are valid inside XML: no < and no ampersand."""

STYLE = """
.frechet{font-family:system-ui,sans-serif;line-height:1.5;max-width:64rem;color:inherit}
.frechet h2{font-size:1.25em;margin:.6em 0 .4em}
.frechet h3{font-size:1.05em;margin:1.2em 0 .3em}
.frechet p{margin:.4em 0;max-width:46rem}
.frechet math{font-family:"STIX Two Math","Latin Modern Math","Cambria Math","DejaVu Math TeX Gyre",math;font-size:1.08em}
.frechet .m{white-space:nowrap}
.frechet dl.entries{margin:.5em 0}
.frechet dl.entries>div{display:grid;grid-template-columns:8em minmax(0,1fr);gap:0 1rem;padding:.2em 0}
.frechet dl.entries dt{font-weight:600;margin:0;padding:0;width:auto;float:none}
.frechet dl.entries dd{margin:0;overflow-x:auto;overflow-y:hidden;padding:.2em 0}
.frechet .remark{opacity:.8;font-size:.92em;margin-left:1.2em}
.frechet .where{display:block;margin:.2em 0 0 1.5em}
.frechet .where span{display:block;margin-left:1em}
.frechet .scroll{overflow-x:auto}
.frechet table{border-collapse:collapse;font-size:1em;margin:.4em 0;border:0}
.frechet th,.frechet td{text-align:left;vertical-align:baseline;padding:.3em .6em;border:0;background:none}
.frechet table.plain td{border-top:1px solid rgba(128,128,128,.35)}
.frechet table.plain caption{text-align:left;opacity:.8;font-size:.92em;padding:.2em .6em}
.frechet table.steps thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.frechet table.steps th{font-weight:400;opacity:.75;font-size:.85em;padding-right:.9em}
.frechet table.steps td.left{text-align:right;white-space:nowrap;padding-right:0}
.frechet table.steps td.relation{padding:.3em .4em}
.frechet table.steps td.right{padding-left:0;white-space:nowrap}
.frechet table.steps td.shape{font-size:.88em;white-space:nowrap;opacity:.85}
.frechet table.steps td.rule{font-size:.92em;min-width:14em}
.frechet table.steps td.rule>span:not(.m):not(.where){opacity:.85;margin-left:1em}
.frechet table.steps tr:hover td{background:rgba(128,128,128,.1)}
.frechet .touched{background:rgba(255,190,0,.28);border-radius:2px}
.frechet details{margin:.5em 0}
.frechet details details{margin:.1em 0}
.frechet summary{cursor:pointer;font-weight:600}
.frechet td summary{font-weight:400;opacity:.8;width:max-content}
.frechet figure{margin:.6em 0}
.frechet figure svg{max-width:100%;height:auto}
.frechet figcaption{opacity:.8;font-size:.92em}
.frechet pre{overflow-x:auto}
.frechet .copy{margin-left:.9em;white-space:nowrap;opacity:0;transition:opacity .1s}
.frechet .copy[hidden]{display:none}
.frechet .copy button{font:inherit;font-size:.75em;line-height:1.3;padding:0 .5em;margin-right:.3em;color:inherit;
background:none;border:1px solid rgba(128,128,128,.6);border-radius:4px;cursor:pointer}
.frechet dd:hover .copy,.frechet p:hover .copy,.frechet summary:hover .copy,.frechet .copy:focus-within{opacity:1}
@media (max-width:44em){
.frechet table.steps,.frechet table.steps tbody{display:block}
.frechet table.steps tr{display:flex;flex-wrap:wrap;align-items:baseline}
.frechet table.steps td.left{min-width:2em}
.frechet table.steps td.rule{flex:1 0 100%;min-width:0;box-sizing:border-box;padding:0 0 .5em 2.2em}
}
@media (hover:none){.frechet .copy{opacity:1}}
@media print{.frechet .copy{display:none}}
"""

# Buttons appear where scripts run; one listener serves every page on the screen.
SCRIPT = """
(function(){
document.querySelectorAll('.frechet .copy').forEach(function(e){e.hidden=false;});
if(window.frechetCopies){return;}
window.frechetCopies=true;
document.addEventListener('click',function(event){
var button=event.target.closest ? event.target.closest('.frechet button[data-copy]') : null;
if(!button){return;}
event.preventDefault();
var text=button.getAttribute('data-copy'),name=button.textContent;
function done(){button.textContent='copied';setTimeout(function(){button.textContent=name;},1200);}
function byHand(){
var area=document.createElement('textarea');
area.value=text;document.body.appendChild(area);area.select();
try{document.execCommand('copy');done();}finally{area.remove();}
}
if(navigator.clipboard){navigator.clipboard.writeText(text).then(done,byHand);}else{byHand();}
});
})();
"""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>{title}</title>
<style>
:root{{color-scheme:light dark}}
body{{margin:1.5rem auto;padding:0 1.2rem;max-width:66rem;color:#1d2126;background:#fdfdfc}}
@media (prefers-color-scheme:dark){{body{{color:#e4e6e9;background:#17191d}}}}
</style>
</head>
<body>
{body}</body>
</html>
"""
